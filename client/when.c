/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times and spans as people write and read them. */
#include "client/when.h"

#include <errno.h>
#include <string.h>

#define SECOND ((guint64)G_USEC_PER_SEC)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct {
    const char *name;
    guint64 span;
} units[] = {
    {"us", 1},
    {"usec", 1},
    {"ms", 1000},
    {"msec", 1000},
    {"s", SECOND},
    {"sec", SECOND},
    {"second", SECOND},
    {"seconds", SECOND},
    {"m", MINUTE},
    {"min", MINUTE},
    {"minute", MINUTE},
    {"minutes", MINUTE},
    {"h", HOUR},
    {"hr", HOUR},
    {"hour", HOUR},
    {"hours", HOUR},
    {"d", DAY},
    {"day", DAY},
    {"days", DAY},
    {"w", 7 * DAY},
    {"week", 7 * DAY},
    {"weeks", 7 * DAY},
    {"M", 2629800 * SECOND},
    {"month", 2629800 * SECOND},
    {"months", 2629800 * SECOND},
    {"y", 31557600 * SECOND},
    {"year", 31557600 * SECOND},
    {"years", 31557600 * SECOND},
};

guint64 when_now(void)
{
    return (guint64)g_get_real_time();
}

static char *format(guint64 time, GTimeZone *zone, const char *pattern)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc((gint64)(time / G_USEC_PER_SEC));
    g_autoptr(GDateTime) there = utc ? g_date_time_to_timezone(utc, zone) : NULL;

    return there ? g_date_time_format(there, pattern) : g_strdup("-");
}

static char *format_local(guint64 time, const char *pattern)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_local();

    return time == 0 ? g_strdup("-") : format(time, zone, pattern);
}

char *when_iso(guint64 time)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_utc();

    return time == 0 ? NULL : format(time, zone, "%Y-%m-%dT%H:%M:%SZ");
}

char *when_day(guint64 time)
{
    return format_local(time, "%Y-%m-%d");
}

char *when_second(guint64 time)
{
    return format_local(time, "%Y-%m-%d %H:%M:%S");
}

char *when_long(guint64 time)
{
    return format_local(time, "%a %Y-%m-%d %H:%M:%S %Z");
}

char *when_span(guint64 span)
{
    if (span == G_MAXUINT64)
        return g_strdup("infinity");
    if (span >= 2 * DAY)
        return g_strdup_printf("%" G_GUINT64_FORMAT " days", span / DAY);
    if (span >= HOUR)
        return g_strdup_printf("%" G_GUINT64_FORMAT " h", span / HOUR);
    if (span >= MINUTE)
        return g_strdup_printf("%" G_GUINT64_FORMAT " min", span / MINUTE);
    return g_strdup_printf("%" G_GUINT64_FORMAT " s", span / SECOND);
}

char *when_relative(guint64 time, guint64 now)
{
    guint64 distance = time > now ? time - now : now - time;
    g_autofree char *span = when_span(distance);

    if (time == 0)
        return g_strdup("never");
    if (distance < SECOND)
        return g_strdup("now");
    return time > now ? g_strconcat("in ", span, NULL) : g_strconcat(span, " ago", NULL);
}

int when_parse(const char *text, guint64 *ret_time)
{
    g_autoptr(GTimeZone) zone = g_time_zone_new_local();
    g_autofree char *full = NULL;
    g_autoptr(GDateTime) time = NULL;
    size_t length = strlen(text);

    if (length == strlen("2026-11-24"))
        full = g_strconcat(text, "T00:00:00", NULL);
    else if (length == strlen("2026-11-24 21:58"))
        full = g_strconcat(text, ":00", NULL);
    else
        full = g_strdup(text);
    time = g_date_time_new_from_iso8601(full, zone);
    if (!time || g_date_time_to_unix(time) <= 0)
        return -EINVAL;
    *ret_time = (guint64)g_date_time_to_unix(time) * G_USEC_PER_SEC;
    return 0;
}

/* Without a unit it is seconds; 0: no such unit. */
static guint64 unit_span(const char *name, size_t length)
{
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (strlen(units[i].name) == length && strncmp(units[i].name, name, length) == 0)
            return units[i].span;
    return length == 0 ? SECOND : 0;
}

int when_parse_span(const char *text, guint64 *ret_span)
{
    guint64 sum = 0;

    if (strcmp(text, "infinity") == 0) {
        *ret_span = G_MAXUINT64;
        return 0;
    }
    text += strspn(text, " ");
    if (!*text)
        return -EINVAL;
    while (*text) {
        char *end;
        guint64 number, unit;
        size_t length;

        if (!g_ascii_isdigit(*text))
            return -EINVAL;
        errno = 0;
        number = g_ascii_strtoull(text, &end, 10);
        if (errno != 0)
            return -EINVAL;
        end += strspn(end, " ");
        length = strcspn(end, " 0123456789");
        unit = unit_span(end, length);
        if (unit == 0 || number > (G_MAXUINT64 - 1 - sum) / unit)
            return -EINVAL;
        sum += number * unit;
        text = end + length + strspn(end + length, " ");
    }
    *ret_span = sum;
    return 0;
}
