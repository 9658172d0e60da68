/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Spans as in systemd.time(7), and ISO 8601 in UTC. */
#include "daemon/util/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include <glib.h>

#define USEC_PER_YEAR (UINT64_C(31557600) * USEC_PER_SEC) /* 365.25 days, as in systemd */
#define USEC_PER_MONTH (USEC_PER_YEAR / 12)

static const struct {
    const char *name;
    usec_t length;
} units[] = {
    {"us", 1},
    {"usec", 1},
    {"ms", USEC_PER_MSEC},
    {"msec", USEC_PER_MSEC},
    {"s", USEC_PER_SEC},
    {"sec", USEC_PER_SEC},
    {"second", USEC_PER_SEC},
    {"seconds", USEC_PER_SEC},
    {"m", USEC_PER_MINUTE},
    {"min", USEC_PER_MINUTE},
    {"minute", USEC_PER_MINUTE},
    {"minutes", USEC_PER_MINUTE},
    {"h", USEC_PER_HOUR},
    {"hr", USEC_PER_HOUR},
    {"hour", USEC_PER_HOUR},
    {"hours", USEC_PER_HOUR},
    {"d", USEC_PER_DAY},
    {"day", USEC_PER_DAY},
    {"days", USEC_PER_DAY},
    {"w", 7 * USEC_PER_DAY},
    {"week", 7 * USEC_PER_DAY},
    {"weeks", 7 * USEC_PER_DAY},
    {"M", USEC_PER_MONTH},
    {"month", USEC_PER_MONTH},
    {"months", USEC_PER_MONTH},
    {"y", USEC_PER_YEAR},
    {"year", USEC_PER_YEAR},
    {"years", USEC_PER_YEAR},
};

static usec_t unit_length(const char *name, size_t length)
{
    if (length == 0)
        return USEC_PER_SEC;
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
            return units[i].length;
    return 0;
}

/* One "90d" of a span; moves *text behind it. */
static int parse_part(const char **text, usec_t *ret)
{
    char *end;
    const char *unit;
    usec_t length, count;

    if (!g_ascii_isdigit(**text))
        return -EINVAL;
    errno = 0;
    count = g_ascii_strtoull(*text, &end, 10);
    if (errno != 0)
        return -EINVAL;
    unit = end + strspn(end, " \t");
    for (end = (char *)unit; g_ascii_isalpha(*end); end++)
        ;
    length = unit_length(unit, end - unit);
    if (length == 0 || count > (USEC_INFINITY - 1) / length)
        return -EINVAL;
    *text = end;
    *ret = count * length;
    return 0;
}

int span_parse(const char *text, usec_t *ret)
{
    usec_t sum = 0;

    text += strspn(text, " \t");
    if (*text == '\0')
        return -EINVAL;
    if (g_str_has_prefix(text, "infinity")) {
        text += strlen("infinity");
        if (text[strspn(text, " \t")] != '\0')
            return -EINVAL;
        *ret = USEC_INFINITY;
        return 0;
    }
    while (*text != '\0') {
        usec_t part;
        int r = parse_part(&text, &part);
        if (r < 0)
            return r;
        sum = usec_add(sum, part);
        text += strspn(text, " \t");
    }
    if (sum == USEC_INFINITY)
        return -EINVAL;
    *ret = sum;
    return 0;
}

char *span_format(usec_t span)
{
    static const struct {
        const char *name;
        usec_t length;
    } steps[] = {{"d", USEC_PER_DAY}, {"h", USEC_PER_HOUR},  {"min", USEC_PER_MINUTE},
                 {"s", USEC_PER_SEC}, {"ms", USEC_PER_MSEC}, {"us", 1}};
    GString *text;

    if (span == USEC_INFINITY)
        return g_strdup("infinity");
    if (span == 0)
        return g_strdup("0s");
    text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
        if (span < steps[i].length)
            continue;
        g_string_append_printf(text, "%s%" G_GUINT64_FORMAT "%s", text->len > 0 ? " " : "",
                               span / steps[i].length, steps[i].name);
        span %= steps[i].length;
    }
    return g_string_free(text, FALSE);
}

usec_t clock_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

char *clock_format(usec_t when)
{
    time_t seconds = (time_t)(when / USEC_PER_SEC);
    struct tm parts;
    char text[32];

    if (gmtime_r(&seconds, &parts) == NULL)
        return g_strdup("?");
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return g_strdup(text);
}
