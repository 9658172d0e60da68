/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn audit: HueChat's advice on keys, each Do and each Don't as a check of what there is. */
#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/exposure.h"
#include "client/health.h"
#include "client/integration.h"
#include "client/options.h"
#include "client/secret.h"
#include "client/verbs.h"
#include "client/when.h"

#define AGE_MAX (90 * HEALTH_DAY)
#define UNUSED_MAX (90 * HEALTH_DAY)
#define NEW_MAX (7 * HEALTH_DAY) /* so long nobody wonders that a key is not used yet */

static bool is_live(json_object *i)
{
    return strcmp(dict_text(i, "Environment"), "live") == 0;
}

/* "Restrict permissions to only what's needed" */
static void check_access(struct report *report, json_object *i)
{
    const char *name = dict_text(i, "Name");
    g_autofree char *way_out =
        g_strdup_printf("keyturn edit %s: Access=custom and the Permissions that it needs", name);

    if (strcmp(dict_text(i, "Access"), "full") == 0)
        report_add(report, is_live(i) ? LEVEL_FAIL : LEVEL_WARN, name, way_out, "its key has full access");
}

/* "Rotate keys every 90 days" */
static void check_age(struct report *report, json_object *i, guint64 now)
{
    const char *name = dict_text(i, "Name");
    guint64 created = dict_number(i, "CreatedAt"), after = dict_number(i, "RotateAfter");
    g_autofree char *age = when_span(now > created ? now - created : 0), *span = when_span(after);
    g_autofree char *rotate = g_strconcat("keyturn rotate ", name, NULL);
    g_autofree char *edit = g_strdup_printf("keyturn edit %s: RotateAfter=90d", name);

    if (created > 0 && now > created && now - created > AGE_MAX)
        report_add(report, LEVEL_FAIL, name, rotate, "its key is %s old", age);
    if (after > AGE_MAX)
        report_add(report, LEVEL_WARN, name, edit, "its keys are to be rotated after %s",
                   after == G_MAXUINT64 ? "no time at all" : span);
}

/* A key that nobody needs should not be there. */
static void check_use(struct report *report, json_object *i, guint64 now)
{
    const char *name = dict_text(i, "Name");
    guint64 used = dict_number(i, "LastUsedAt"), created = dict_number(i, "CreatedAt");
    g_autofree char *way_out = g_strdup_printf("if nobody needs it, keyturn remove %s --revoke", name);
    g_autofree char *ago = when_relative(used, now), *since = when_day(created);

    if (!*dict_text(i, "Last4"))
        return;
    if (used == 0 && created > 0 && now > created + NEW_MAX)
        report_add(report, LEVEL_WARN, name, way_out, "HueChat never saw its key used, since %s", since);
    else if (used > 0 && now > used + UNUSED_MAX)
        report_add(report, LEVEL_WARN, name, way_out, "its key was last used %s", ago);
}

static bool is_same_key(json_object *a, json_object *b)
{
    const char *id = dict_text(a, "KeyId"), *other = dict_text(b, "KeyId");

    if (*id && *other)
        return strcmp(id, other) == 0;
    return *dict_text(a, "Last4") && strcmp(dict_text(a, "Last4"), dict_text(b, "Last4")) == 0 &&
           is_live(a) == is_live(b);
}

/* "Use separate keys for each integration" */
static void check_shared(struct report *report, json_object *integrations, size_t n)
{
    json_object *i = json_object_array_get_idx(integrations, n);
    g_autofree char *way_out = g_strconcat("keyturn rotate ", dict_text(i, "Name"), NULL);

    for (size_t m = 0; m < n; m++) {
        json_object *other = json_object_array_get_idx(integrations, m);

        if (is_same_key(i, other))
            report_add(report, LEVEL_FAIL, dict_text(i, "Name"), way_out, "it has the same key as %s, …%s",
                       dict_text(other, "Name"), dict_text(i, "Last4"));
    }
}

static bool is_for_development(const char *name)
{
    const char *const words[] = {"dev", "devel", "development", "stage", "staging", "test", "testing", NULL};
    g_autofree char *lower = g_ascii_strdown(name, -1);
    g_auto(GStrv) parts = g_strsplit_set(lower, "-_.@:/ ", -1);

    for (char **part = parts; *part; part++)
        if (g_strv_contains(words, *part))
            return true;
    return false;
}

/* The unit; or the program, which is another one by now if keyturn exec has run it. The caller frees it. */
static char *find_holder(json_object *holder)
{
    const char *unit = dict_text(holder, "Unit");
    g_autofree char *path = g_strdup_printf("/proc/%" G_GUINT64_FORMAT "/comm", dict_number(holder, "Pid"));
    char *program;

    if (*unit)
        return g_strdup(unit);
    if (dict_flag(holder, "Alive") && g_file_get_contents(path, &program, NULL, NULL))
        return g_strchomp(program);
    return g_strdup(dict_text(holder, "Command"));
}

/* The same, and "Don't use live keys in development/staging": by who has fetched it. */
static void check_holders(struct report *report, json_object *i, json_object *holders)
{
    const char *name = dict_text(i, "Name"), *first = NULL;
    bool told_shared = false;

    for (size_t n = 0; n < json_object_array_length(holders); n++) {
        json_object *holder = json_object_array_get_idx(holders, n);
        const char *unit = dict_text(holder, "Unit");
        g_autofree char *who = find_holder(holder);

        if (is_live(i) && is_for_development(who))
            report_add(report, LEVEL_FAIL, name, "give it an integration with --env test",
                       "its live key was fetched by %s", who);
        if (*unit && first && strcmp(unit, first) != 0 && !told_shared) {
            report_add(report, LEVEL_WARN, name, "give each an integration of its own",
                       "both %s and %s have fetched its key", first, unit);
            told_shared = true;
        }
        if (*unit && !first)
            first = unit;
    }
}

static void check_integration(struct client *client, struct report *report, json_object *integrations,
                              size_t n)
{
    json_object *i = json_object_array_get_idx(integrations, n);
    g_autoptr(json_object) holders = NULL;
    g_autoptr(GError) error = NULL;
    guint64 now = when_now();

    check_access(report, i);
    check_age(report, i, now);
    check_use(report, i, now);
    check_shared(report, integrations, n);
    if (bus_get_holders(client, dict_text(i, "Name"), &holders, &error) == 0)
        check_holders(report, i, holders);
    else
        report_add(report, LEVEL_WARN, dict_text(i, "Name"), NULL, "who fetches its key is not known: %s",
                   error->message);
}

static int check_all(struct client *client, struct report *report, json_object **ret_integrations,
                     GError **error)
{
    if (bus_open(client, error) < 0)
        return -1;
    /* A look should not ask for a password. */
    sd_bus_set_allow_interactive_authorization(client->bus, false);
    if (bus_get_integrations(client, ret_integrations, error) < 0)
        return -1;
    for (size_t n = 0; n < json_object_array_length(*ret_integrations); n++)
        check_integration(client, report, *ret_integrations, n);
    return 0;
}

static void look_at_units(struct client *client, struct exposure *exposure)
{
    g_autofree char *own = g_build_filename(g_get_user_config_dir(), "systemd", "user", NULL);

    exposure_look_at_units(exposure, client->system ? "/etc/systemd/system" : own);
    if (!client->system)
        exposure_look_at_units(exposure, "/etc/systemd/user");
}

int verb_audit(struct client *client, int argc, char **argv, GError **error)
{
    struct report report = {0};
    g_autoptr(json_object) integrations = NULL;
    g_autoptr(GError) local = NULL;
    struct exposure exposure;
    int r = options_parse(client, argc, argv, NULL, 0, G_MAXINT, error);

    if (r <= 0)
        return r;
    secret_hide_process();
    report.json = client->json;
    /* Without keyturnd the files are as open as with it. */
    if (check_all(client, &report, &integrations, &local) < 0)
        report_add(&report, LEVEL_FAIL, "keyturnd", NULL, "%s", local->message);
    exposure = (struct exposure){.report = &report, .integrations = integrations};
    look_at_units(client, &exposure);
    for (int n = 0; n < client->argc; n++)
        exposure_look(&exposure, client->argv[n]);
    if (report.n[LEVEL_FAIL] + report.n[LEVEL_WARN] > 0)
        return 1;
    if (!client->json)
        printf("Nothing was found.\n");
    return 0;
}
