/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random texts from the kernel, times by GDateTime. */
#include "sandbox/text.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <glib.h>

#define SHOWN_MAX 300

char *text_random(const char *prefix, const char *alphabet, size_t length)
{
    const size_t size = strlen(alphabet), fair = 256 - 256 % size;
    GString *text = g_string_new(prefix);
    unsigned char pool[64];
    size_t left = 0;

    while (length > 0) {
        if (left == 0 && getrandom(pool, sizeof pool, 0) == sizeof pool)
            left = sizeof pool;
        if (left == 0 || pool[--left] >= fair)
            continue;
        g_string_append_c(text, alphabet[pool[left] % size]);
        length--;
    }
    return g_string_free(text, FALSE);
}

char *text_hash(const char *secret)
{
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, secret, -1);
}

/* Every sk_live_… and sk_test_… becomes sk_live_*** and sk_test_***. */
static void blot_out(char *text)
{
    for (char *at = text; (at = strstr(at, "sk_")) != NULL;) {
        if (!g_str_has_prefix(at, "sk_live_") && !g_str_has_prefix(at, "sk_test_")) {
            at += strlen("sk_");
            continue;
        }
        at += strlen("sk_live_");
        size_t length = strspn(at, TEXT_BASE62 "_-");
        size_t stars = MIN(length, 3);
        memset(at, '*', stars);
        memmove(at + stars, at + length, strlen(at + length) + 1);
    }
}

char *text_shown(const char *sent)
{
    char *text;

    if (sent == NULL)
        return NULL;
    text = g_utf8_make_valid(sent, -1);
    for (char *p = text; *p != '\0'; p++)
        if (g_ascii_iscntrl(*p))
            *p = '?';
    blot_out(text);
    if (strlen(text) > SHOWN_MAX)
        *g_utf8_find_prev_char(text, text + SHOWN_MAX + 1) = '\0';
    return text;
}

static char *format(usec_t when, const char *how)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64)(when / USEC_PER_SEC));

    return g_date_time_format(time, how);
}

char *text_precise_time(usec_t when)
{
    g_autofree char *seconds = format(when, "%Y-%m-%dT%H:%M:%S");

    return g_strdup_printf("%s.%06uZ", seconds, (unsigned)(when % USEC_PER_SEC));
}

/* By hand, since %a and %b would follow the locale. */
char *text_http_time(usec_t when)
{
    static const char days[] = "MonTueWedThuFriSatSun";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc((gint64)(when / USEC_PER_SEC));
    g_autofree char *rest = g_date_time_format(time, "%Y %H:%M:%S GMT");

    return g_strdup_printf("%.3s, %02d %.3s %s", days + 3 * (g_date_time_get_day_of_week(time) - 1),
                           g_date_time_get_day_of_month(time), months + 3 * (g_date_time_get_month(time) - 1),
                           rest);
}

int text_parse_time(const char *text, usec_t *ret)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text, utc);

    if (time == NULL || g_date_time_to_unix(time) < 0)
        return -EINVAL;
    *ret = (usec_t)g_date_time_to_unix(time) * USEC_PER_SEC + (usec_t)g_date_time_get_microsecond(time);
    return 0;
}
