/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points in time as HueChat and HTTP write them. Pure. */
#include "daemon/helpers/huechat/times.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <glib.h>

/* A calendar time in UTC; a date that does not exist is refused, not carried over. */
static int to_usec(const struct tm *given, usec_t *ret)
{
    struct tm tm = *given;
    time_t seconds = timegm(&tm);

    if (seconds < 0 || tm.tm_sec != given->tm_sec || tm.tm_min != given->tm_min ||
        tm.tm_hour != given->tm_hour || tm.tm_mday != given->tm_mday || tm.tm_mon != given->tm_mon)
        return -EINVAL;
    *ret = (usec_t)seconds * USEC_PER_SEC;
    return 0;
}

static bool has_shape(const char *text, const char *shape)
{
    for (; *shape; shape++, text++)
        if (*shape == '0' ? !g_ascii_isdigit(*text) : *text != *shape)
            return false;
    return true;
}

static int number(const char *text, int digits)
{
    int value = 0;

    while (digits-- > 0)
        value = 10 * value + (*text++ - '0');
    return value;
}

/* ".123" as microseconds; moves *text behind it. */
static int parse_fraction(const char **text, usec_t *ret)
{
    usec_t unit = USEC_PER_SEC, sum = 0;
    const char *digit = *text;

    if (*digit == '.') {
        if (!g_ascii_isdigit(*++digit))
            return -EINVAL;
        for (; g_ascii_isdigit(*digit); digit++) {
            unit /= 10;
            sum += unit * (usec_t)(*digit - '0');
        }
    }
    *text = digit;
    *ret = sum;
    return 0;
}

int times_parse_iso(const char *text, usec_t *ret)
{
    static const char shape[] = "0000-00-00T00:00:00";
    usec_t seconds, fraction;
    struct tm tm = {};

    if (!has_shape(text, shape))
        return -EINVAL;
    tm.tm_year = number(text, 4) - 1900;
    tm.tm_mon = number(text + 5, 2) - 1;
    tm.tm_mday = number(text + 8, 2);
    tm.tm_hour = number(text + 11, 2);
    tm.tm_min = number(text + 14, 2);
    tm.tm_sec = number(text + 17, 2);
    text += strlen(shape);
    if (parse_fraction(&text, &fraction) < 0 || strcmp(text, "Z") != 0 || to_usec(&tm, &seconds) < 0)
        return -EINVAL;
    *ret = seconds + fraction;
    return 0;
}

int times_parse_http(const char *text, usec_t *ret)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %e %H:%M:%S %Y"};

    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        struct tm tm = {};
        const char *end = strptime(text, forms[i], &tm);

        if (end && *end == '\0')
            return to_usec(&tm, ret);
    }
    return -EINVAL;
}
