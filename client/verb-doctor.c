/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn doctor: what is well, what is not, and the way out. It only looks: what keyturnd does not tell is
 * not tried. */
#include <errno.h>
#include <string.h>

#include "client/bus.h"
#include "client/health.h"
#include "client/lib/cleanup.h"
#include "client/machine.h"
#include "client/options.h"
#include "client/verbs.h"
#include "client/when.h"
#include "dbus/names.h"

#include "config.h"

static pid_t find_daemon(struct client *client)
{
    _cleanup_creds_ sd_bus_creds *creds = NULL;
    pid_t pid;

    if (sd_bus_get_name_creds(client->bus, KT_BUS_NAME, SD_BUS_CREDS_PID, &creds) < 0 ||
        sd_bus_creds_get_pid(creds, &pid) < 0)
        return 0;
    return pid;
}

static void check_version(struct client *client, struct report *report, json_object *manager)
{
    const char *version = dict_text(manager, "Version");
    g_autofree char *way_out =
        g_strdup_printf("systemctl %srestart keyturnd", client->system ? "" : "--user ");

    if (strcmp(version, KT_VERSION) == 0)
        report_add(report, LEVEL_OK, "keyturnd", NULL, "version %s, %s mode", version,
                   dict_text(manager, "Mode"));
    else
        report_add(report, LEVEL_WARN, "keyturnd", way_out, "it is version %s, and keyturn is %s", version,
                   KT_VERSION);
}

/* A keyring that waits to be started counts as unlocked to keyturnd. In system mode it is on a bus of its
 * own. */
static bool is_asleep(struct client *client)
{
    return !client->system &&
           sd_bus_get_name_creds(client->bus, "org.freedesktop.secrets", 0, NULL) == -ENXIO;
}

static void check_keyring(struct client *client, struct report *report, json_object *manager)
{
    const char *state = dict_text(manager, "KeyringState");

    if (strcmp(state, "locked") == 0)
        report_add(report, LEVEL_FAIL, "keyring",
                   client->system ? "systemctl restart keyturn-keyring"
                                  : "unlock it: log in, or use seahorse",
                   "it is locked");
    else if (strcmp(state, "unlocked") != 0)
        report_add(report, LEVEL_FAIL, "keyring",
                   client->system ? "see systemctl status keyturn-keyring"
                                  : "start gnome-keyring, and give it a default keyring",
                   "there is none");
    else if (is_asleep(client))
        report_add(report, LEVEL_WARN, "keyring", "use it once, with keyturn login or keyturn get",
                   "it has not been started yet, and may turn out to be locked");
    else
        report_add(report, LEVEL_OK, "keyring", NULL,
                   "there, and unlocked (that it can be written is proved before each new key)");
}

/* What the history says last of an environment's management key. */
struct management {
    json_object *login;
    json_object *logout;
    json_object *attention; /* since the login */
};

static struct management find_management(json_object *history, const char *name)
{
    struct management m = {NULL, NULL, NULL};

    for (size_t i = 0; i < json_object_array_length(history); i++) {
        json_object *entry = json_object_array_get_idx(history, i);
        const char *event = dict_text(entry, "Event");

        if (strcmp(dict_text(entry, "Integration"), name) != 0)
            continue;
        if (strcmp(event, "login") == 0)
            m = (struct management){.login = entry};
        else if (strcmp(event, "logout") == 0)
            m = (struct management){.logout = entry};
        else if (strcmp(event, "attention") == 0)
            m.attention = entry;
    }
    return m;
}

static void report_login(struct report *report, const char *environment, json_object *login)
{
    g_autofree char *key = g_strdup_printf("management key %s", environment),
                    *api = g_strdup_printf("API contract %s", environment),
                    *time = when_second(dict_number(login, "Time"));

    report_add(report, LEVEL_OK, key, NULL, "…%s, stored at %s", dict_text(login, "Last4"), time);
    report_add(report, LEVEL_OK, api, NULL,
               "HueChat's list of keys was as expected when login read it, at %s", time);
}

static void check_management(struct report *report, json_object *history, const char *environment,
                             bool needed)
{
    g_autofree char *name = g_strconcat("@", environment, NULL),
                    *subject = g_strconcat("management key ", environment, NULL),
                    *way_out = g_strconcat("keyturn login ", environment, NULL);
    struct management m = find_management(history, name);

    if (m.login)
        report_login(report, environment, m.login);
    if (m.attention)
        report_add(report, LEVEL_WARN, subject, NULL, "%s", dict_text(m.attention, "Message"));
    else if (m.logout && needed)
        report_add(report, LEVEL_FAIL, subject, way_out, "it was forgotten");
    else if (!m.login && needed)
        report_add(report, LEVEL_WARN, subject, way_out,
                   "the history tells of no login, so keys may not rotate");
}

static bool is_needed(json_object *integrations, const char *environment)
{
    for (size_t n = 0; n < json_object_array_length(integrations); n++) {
        json_object *i = json_object_array_get_idx(integrations, n);

        if (strcmp(dict_text(i, "Environment"), environment) == 0 &&
            strcmp(dict_text(i, "Management"), "api") == 0)
            return true;
    }
    return false;
}

static int check_management_keys(struct client *client, struct report *report, json_object *integrations,
                                 GError **error)
{
    const char *const environments[] = {"test", "live"};
    g_autoptr(json_object) history = NULL;
    g_autoptr(GError) local = NULL;

    if (bus_get_history(client, "", 0, &history, &local) < 0) {
        if (!g_error_matches(local, CLIENT_ERROR, CLIENT_DENIED)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return -1;
        }
        report_add(report, LEVEL_WARN, "management keys", "ask as root",
                   "shown only to those who may manage keyturn");
        return 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(environments); i++)
        check_management(report, history, environments[i], is_needed(integrations, environments[i]));
    return 0;
}

static void check_integrations(struct report *report, json_object *integrations, guint64 now)
{
    size_t n = json_object_array_length(integrations), well = 0;

    for (size_t i = 0; i < n; i++) {
        json_object *one = json_object_array_get_idx(integrations, i);
        g_autofree char *why = NULL,
                        *way_out = g_strconcat("see keyturn status ", dict_text(one, "Name"), NULL);
        enum health health = health_of(one, now, 14 * HEALTH_DAY, 3 * HEALTH_DAY, &why);

        if (health == HEALTH_OK)
            well++;
        else
            report_add(report, health == HEALTH_CRITICAL ? LEVEL_FAIL : LEVEL_WARN, dict_text(one, "Name"),
                       way_out, "%s", why);
    }
    report_add(report, LEVEL_OK, "integrations", NULL, "%zu of %zu are well", well, n);
}

static int check_daemon(struct client *client, struct report *report, GError **error)
{
    g_autoptr(json_object) manager = NULL, integrations = NULL;

    if (bus_get_manager(client, &manager, error) < 0 ||
        bus_get_integrations(client, &integrations, error) < 0)
        return -1;
    check_version(client, report, manager);
    check_keyring(client, report, manager);
    if (check_management_keys(client, report, integrations, error) < 0)
        return -1;
    check_integrations(report, integrations, when_now());
    machine_check_memory(report, find_daemon(client));
    return 0;
}

static void check_all(struct client *client, struct report *report)
{
    g_autoptr(GError) error = NULL;

    if (bus_open(client, &error) < 0) {
        report_add(report, LEVEL_FAIL, "bus", NULL, "%s", error->message);
    } else {
        report_add(report, LEVEL_OK, "bus", NULL, "the %s is there", client->system ? "system's" : "user's");
        /* A look should not ask for a password. */
        sd_bus_set_allow_interactive_authorization(client->bus, false);
        if (check_daemon(client, report, &error) < 0)
            report_add(report, LEVEL_FAIL, "keyturnd", NULL, "%s", error->message);
        machine_check_units(client, report);
    }
    machine_check_landlock(report);
    machine_check_clock(report);
    if (!client->system)
        machine_check_linger(report);
    machine_check_files(client, report);
}

int verb_doctor(struct client *client, int argc, char **argv, GError **error)
{
    struct report report = {0};
    int r = options_parse(client, argc, argv, NULL, 0, 0, error);

    if (r <= 0)
        return r;
    report.json = client->json;
    check_all(client, &report);
    return report.n[LEVEL_FAIL] > 0 ? 1 : 0;
}
