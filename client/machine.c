/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What keyturnd needs of the machine around it. */
#include "client/machine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/lib/cleanup.h"
#include "client/output.h"

#include "config.h"

#define LOCKED_MIN (1024 * 1024)

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

/* The number after "NAME" in a file of /proc. */
static bool find_number(pid_t pid, const char *file, const char *name, guint64 *ret_number)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, file), *text = NULL;
    const char *at;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return false;
    at = strstr(text, name);
    if (!at)
        return false;
    at += strlen(name);
    at += strspn(at, " \t");
    *ret_number = g_str_has_prefix(at, "unlimited") ? G_MAXUINT64 : g_ascii_strtoull(at, NULL, 10);
    return true;
}

void machine_check_memory(struct report *report, pid_t pid)
{
    const char *way_out = "set LimitMEMLOCK=8M for keyturnd.service, and restart it";
    guint64 limit, locked;

    if (!find_number(pid, "limits", "Max locked memory", &limit) ||
        !find_number(pid, "status", "VmLck:", &locked))
        report_add(report, LEVEL_WARN, "memory", "ask as root", "/proc does not tell of process %d",
                   (int)pid);
    else if (limit < LOCKED_MIN)
        report_add(report, locked > 0 ? LEVEL_WARN : LEVEL_FAIL, "memory", way_out,
                   "keyturnd may lock only %" G_GUINT64_FORMAT " kB, so keys may be swapped out",
                   limit / 1024);
    else
        report_add(report, LEVEL_OK, "memory", NULL,
                   "keyturnd may lock what keys lie in, and has locked %" G_GUINT64_FORMAT " kB", locked);
}

void machine_check_landlock(struct report *report)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

    if (version > 0)
        report_add(report, LEVEL_OK, "landlock", NULL,
                   "version %ld, so keyturnd's helpers can't read files of its user", version);
    else
        report_add(
            report, LEVEL_WARN, "landlock",
            "run a kernel that has it, with landlock in its lsm= if that is set",
            "the kernel offers none (%s), so a helper that is broken into can read what keyturnd's user can",
            g_strerror(errno));
}

void machine_check_clock(struct report *report)
{
    _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_bus_ sd_bus *bus = NULL;
    int synchronised = 0, r = sd_bus_open_system(&bus);

    if (r >= 0)
        r = sd_bus_get_property_trivial(bus, "org.freedesktop.timedate1", "/org/freedesktop/timedate1",
                                        "org.freedesktop.timedate1", "NTPSynchronized", &error, 'b',
                                        &synchronised);
    if (r < 0)
        report_add(report, LEVEL_WARN, "clock", "see that something keeps it right",
                   "nobody here says whether it is right (%s)",
                   error.message ? error.message : g_strerror(-r));
    else if (!synchronised)
        report_add(report, LEVEL_WARN, "clock", "turn it on with timedatectl set-ntp true",
                   "it is not synchronised, and keys are rotated by it");
    else
        report_add(report, LEVEL_OK, "clock", NULL, "synchronised");
}

static void check_unit(struct client *client, struct report *report, const char *unit, enum level level)
{
    _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
    _cleanup_message_ sd_bus_message *reply = NULL;
    const char *state = "", *mode = client->system ? "" : "--user ";
    g_autofree char *way_out = g_strdup_printf("systemctl %senable --now %s", mode, unit);
    int r =
        sd_bus_call_method(client->bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                           "org.freedesktop.systemd1.Manager", "GetUnitFileState", &error, &reply, "s", unit);

    if (r >= 0)
        r = sd_bus_message_read(reply, "s", &state);
    if (r < 0)
        report_add(report, LEVEL_WARN, unit, "install keyturn below a prefix that systemd reads",
                   "systemd does not know it (%s)", error.message ? error.message : g_strerror(-r));
    else if (g_str_has_prefix(state, "enabled"))
        report_add(report, LEVEL_OK, unit, NULL, "%s", state);
    else
        report_add(report, level, unit, way_out, "%s", state);
}

/* That there is a systemd at all. */
static bool has_systemd(sd_bus *bus)
{
    return sd_bus_get_name_creds(bus, "org.freedesktop.systemd1", 0, NULL) >= 0;
}

void machine_check_units(struct client *client, struct report *report)
{
    if (!has_systemd(client->bus)) {
        report_add(report, LEVEL_WARN, "units", "see that something starts keyturnd",
                   "there is no systemd on this bus");
        return;
    }
    check_unit(client, report, "keyturnd.service", LEVEL_WARN);
    check_unit(client, report, "keyturn-remind.timer", LEVEL_WARN);
}

void machine_check_linger(struct report *report)
{
    g_autofree char *path = g_strconcat("/var/lib/systemd/linger/", g_get_user_name(), NULL);

    if (g_file_test(path, G_FILE_TEST_EXISTS))
        report_add(report, LEVEL_OK, "linger", NULL, "on, keyturnd runs from boot on");
    else
        report_add(report, LEVEL_OK, "linger", NULL,
                   "off, keyturnd runs while you are logged in (loginctl enable-linger keeps it)");
}

/* mask: what others may not do there; roots: whose it has to be. What isn't there, or can't be seen, can't be
 * wrong either. */
static void check_file(struct report *report, const char *path, mode_t mask, bool roots, unsigned *checked)
{
    g_autofree char *word = output_quote(path),
                    *way_out = g_strdup_printf("chmod %s %s", mask == 0077 ? "go=" : "go-w", word);
    struct stat status;

    if (stat(path, &status) < 0)
        return;
    (*checked)++;
    if (roots && status.st_uid != 0)
        report_add(report, LEVEL_FAIL, "files", "systemctl restart keyturnd, or chown root",
                   "%s is not root's", path);
    if (status.st_mode & mask)
        report_add(report, LEVEL_FAIL, "files", way_out, "others may %s %s", mask == 0077 ? "use" : "change",
                   path);
}

static void check_folder(struct report *report, const char *folder, mode_t mask, bool roots,
                         unsigned *checked)
{
    g_autoptr(GDir) directory = g_dir_open(folder, 0, NULL);
    const char *name;

    check_file(report, folder, mask, roots, checked);
    while (directory && (name = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        check_file(report, path, mask, roots, checked);
    }
}

void machine_check_files(struct client *client, struct report *report)
{
    g_autofree char *settings = client->system ? g_build_filename(KT_SYSCONFDIR, "keyturn", NULL)
                                               : g_build_filename(g_get_user_config_dir(), "keyturn", NULL);
    g_autofree char *integrations = g_build_filename(settings, "integrations", NULL);
    g_autofree char *state = client->system ? g_strdup("/var/lib/keyturn")
                                            : g_build_filename(g_get_user_state_dir(), "keyturn", NULL);
    unsigned checked = 0, before = report->n[LEVEL_FAIL];

    check_folder(report, settings, 0022, client->system, &checked);
    check_folder(report, integrations, 0022, client->system, &checked);
    check_file(report, state, 0077, false, &checked);
    if (report->n[LEVEL_FAIL] == before)
        report_add(report, LEVEL_OK, "files", NULL, "%u looked at, none is open to others", checked);
}
