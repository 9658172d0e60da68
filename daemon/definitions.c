/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file at a time; one that is wrong stops no other. */
#include "daemon/definitions.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/core/errors.h"
#include "daemon/folders.h"
#include "daemon/io/journal.h"
#include "daemon/io/messages.h"
#include "daemon/util/files.h"

#define SUFFIX ".conf"

struct load {
    struct daemon *daemon;
    bool tell;
    GHashTable *seen; /* names that have a file */
    GError *first;
    unsigned more;
};

/* Takes the error. */
static void note_error(struct load *load, GError *error)
{
    journal_send(LOG_ERR, MESSAGE_FILE_TROUBLE, (const char *[]){NULL}, "%s", error->message);
    if (load->first == NULL) {
        load->first = error;
        return;
    }
    load->more++;
    g_error_free(error);
}

static const char *describe_unread(int r)
{
    if (r == -EINVAL)
        return "it is no regular file";
    return r == -EILSEQ ? "it is no text" : g_strerror(-r);
}

static bool read_text(const char *path, char **ret, GError **error)
{
    int r = file_read(path, ret);

    if (r == 0)
        return true;
    g_set_error(error, KT_ERROR, KT_FAILED, "%s: %s: let it be a file that keyturnd may read", path,
                describe_unread(r));
    return false;
}

static void load_config(struct load *load)
{
    struct daemon *daemon = load->daemon;
    g_autofree char *path = g_build_filename(daemon->paths.config, "keyturn.conf", NULL);
    g_autofree char *text = NULL;
    GError *error = NULL;
    struct config *config;

    if (access(path, F_OK) < 0 && errno == ENOENT)
        config = config_new();
    else
        config = read_text(path, &text, &error) ? config_parse(path, text, &error) : NULL;
    if (config == NULL) {
        note_error(load, error);
        return;
    }
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        if (daemon->providers[i] != NULL)
            provider_set_settings(daemon->providers[i], &config->api[i]);
    config_free(daemon->config);
    daemon->config = config;
}

/* The environment of a key can't be changed, and the ledger has the last word on it. */
static bool check_environment(struct daemon *daemon, const struct entry *entry,
                              const struct integration *definition, const char *path, GError **error)
{
    int r;

    if (entry != NULL && entry->definition->environment != definition->environment) {
        g_set_error(error, KT_ERROR, KT_INVALID,
                    "%s: Environment= is %s and can't be changed: add another integration", path,
                    environment_name(entry->definition->environment));
        return false;
    }
    if (entry != NULL)
        return true;
    r = ledger_put_integration(daemon->ledger, definition->name, definition->environment);
    if (r < 0)
        g_set_error(error, KT_ERROR, KT_FAILED, "the ledger can't be written: %s: make room in %s",
                    g_strerror(-r), daemon->paths.state);
    return r == 0;
}

/* dropped: units that are not obeyed, or NULL. */
static void take(struct load *load, struct integration *definition, const char *dropped)
{
    struct daemon *daemon = load->daemon;
    struct entry *entry = registry_find(daemon->registry, definition->name);
    bool is_new = entry == NULL;
    bool same = !is_new && entry->has_file && integration_equal(entry->definition, definition);
    g_autofree char *trouble =
        dropped == NULL
            ? NULL
            : g_strdup_printf("%s is not obeyed: units come from root's files alone: name them there, "
                              "as root, with keyturn --system edit %s",
                              dropped, definition->name);

    entry = registry_put(daemon->registry, definition);
    entry->has_file = true;
    entry->is_undefined = false;
    if (load->tell && is_new)
        daemon->news->added(entry, daemon->news_userdata);
    else if (load->tell && !same)
        daemon->news->changed(entry, daemon->news_userdata);
    daemon_file_trouble(daemon, entry, trouble);
}

static void load_file(struct load *load, enum folder folder, const char *name)
{
    struct daemon *daemon = load->daemon;
    struct entry *entry = registry_find(daemon->registry, name);
    g_autofree char *path = folders_file(daemon, folder, name);
    g_autofree char *text = NULL, *dropped = NULL;
    _cleanup_integration_ struct integration *definition = NULL;
    GError *error = NULL;

    if (read_text(path, &text, &error))
        definition = integration_parse(name, path, text, daemon->config->extra_permissions, &error);
    if (definition != NULL && check_environment(daemon, entry, definition, path, &error)) {
        if (folder == FOLDER_STATE)
            dropped = folders_drop_units(daemon, definition);
        else if (daemon->system_mode)
            folders_set_aside(daemon, name);
        take(load, g_steal_pointer(&definition), dropped);
        return;
    }
    if (entry != NULL)
        daemon_file_trouble(daemon, entry, error->message);
    note_error(load, error);
}

static void load_entry(struct load *load, enum folder folder, const char *file)
{
    g_autofree char *path = folders_path(load->daemon, folder);
    g_autofree char *name = NULL;

    if (!g_str_has_suffix(file, SUFFIX))
        return;
    name = g_strndup(file, strlen(file) - strlen(SUFFIX));
    if (integration_name_is_valid(name)) {
        if (g_hash_table_add(load->seen, g_strdup(name)))
            load_file(load, folder, name);
        return;
    }
    note_error(load,
               g_error_new(KT_ERROR, KT_INVALID,
                           "%s/%s: its name is no integration's: use 1 to 64 of a-z 0-9 . _ -, starting "
                           "with a letter or digit",
                           path, file));
}

static void load_folder(struct load *load, enum folder folder)
{
    g_autofree char *path = folders_path(load->daemon, folder);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *file;

    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL)
        load_entry(load, folder, file);
}

static void look_for_vanished(struct entry *entry, void *userdata)
{
    struct load *load = userdata;
    const char *name = entry->definition->name;
    g_autofree char *text = NULL;

    if (g_hash_table_contains(load->seen, name))
        return;
    entry->has_file = false;
    text = g_strdup_printf("its file %s.conf is gone: put it back, or keyturn remove %s", name, name);
    daemon_file_trouble(load->daemon, entry, text);
}

bool definitions_load(struct daemon *daemon, bool tell, GError **error)
{
    struct load load = {.daemon = daemon, .tell = tell};

    load.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    load_config(&load);
    load_folder(&load, FOLDER_SETTINGS);
    if (daemon->system_mode)
        load_folder(&load, FOLDER_STATE);
    registry_each(daemon->registry, false, look_for_vanished, &load);
    g_hash_table_destroy(load.seen);
    if (load.first == NULL)
        return true;
    if (load.more > 0)
        g_set_error(error, KT_ERROR, load.first->code, "%s (and %u more, see the log of keyturnd)",
                    load.first->message, load.more);
    else
        g_set_error_literal(error, KT_ERROR, load.first->code, load.first->message);
    g_error_free(load.first);
    return false;
}

bool definitions_load_roots(struct daemon *daemon, const char *name, GError **error)
{
    struct load load = {.daemon = daemon, .tell = true};

    load_file(&load, FOLDER_SETTINGS, name);
    if (load.first == NULL)
        return true;
    g_propagate_error(error, load.first);
    return false;
}
