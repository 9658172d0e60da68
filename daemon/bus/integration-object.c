/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.keyturn1.Integration: read-only properties, out of the registry. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/bus/objects.h"
#include "dbus/names.h"

char *integration_path(const char *name)
{
    char *path = NULL, *copy;

    if (sd_bus_path_encode(KT_INTEGRATION_PREFIX, name, &path) < 0)
        g_error("out of memory");
    copy = g_strdup(path);
    free(path);
    return copy;
}

static struct entry *entry_at(struct service *service, const char *path)
{
    char *name = NULL;
    struct entry *entry = NULL;

    if (sd_bus_path_decode(path, KT_INTEGRATION_PREFIX, &name) > 0 && *name != '@')
        entry = registry_find(service->daemon->registry, name);
    free(name);
    return entry;
}

static int find(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
                sd_bus_error *ret_error)
{
    if (entry_at(userdata, path) == NULL)
        return 0;
    *ret_found = userdata;
    return 1;
}

static void add_path(struct entry *entry, void *userdata)
{
    GPtrArray *paths = userdata;
    g_autofree char *path = integration_path(entry->definition->name);

    g_ptr_array_add(paths, strdup(path)); /* sd-bus frees it */
}

static int enumerate(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes,
                     sd_bus_error *ret_error)
{
    struct service *service = userdata;
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    char **nodes;

    registry_each(service->daemon->registry, false, add_path, paths);
    nodes = calloc(paths->len + 1, sizeof *nodes);
    if (nodes == NULL)
        return -ENOMEM;
    for (guint i = 0; i < paths->len; i++)
        nodes[i] = paths->pdata[i];
    *ret_nodes = nodes;
    return 0;
}

/* One function that knows every property: what each shows stands on one line. */
struct view {
    const struct entry *entry;
    const struct integration *definition;
    const struct ledger_key *key; /* NULL: none */
    const struct api_settings *api;
    const struct rotation *rotation; /* NULL: idle */
    char *hint;                      /* what is wrong without a word of its own, or NULL */
    bool tells_fetches;              /* every reader may know who fetched it */
};

static const char *state_of(const struct view *view)
{
    return view->rotation != NULL ? rotation_state_name((enum rotation_state)view->rotation->state) : "idle";
}

static usec_t due_of(const struct view *view)
{
    usec_t due = view->key != NULL ? entry_due_at(view->entry) : 0;

    return due == USEC_INFINITY ? 0 : due;
}

/* What the key has; where that is not known, what its file asks for. */
static bool has_full_access(const struct view *view)
{
    if (view->key == NULL || view->key->permissions == NULL)
        return view->definition->full_access;
    return strcmp(view->key->permissions, "full") == 0;
}

/* A rotation's first: what is wrong with a unit or the file stays, and waits. */
static const char *attention_of(const struct view *view)
{
    const struct entry *entry = view->entry;

    if (entry->attention != NULL)
        return entry->attention;
    if (entry->unit_trouble != NULL)
        return entry->unit_trouble;
    return entry->file_trouble != NULL ? entry->file_trouble : view->hint;
}

static const char *text_of(const struct view *view, const char *property)
{
    const struct {
        const char *name, *value;
    } texts[] = {
        {"Name", view->definition->name},
        {"Environment", environment_name(view->definition->environment)},
        {"Access", has_full_access(view) ? "full" : "custom"},
        {"Management", view->definition->managed_by == MANAGED_BY_API ? "api" : "dashboard"},
        {"BaseURL", view->api->base_url},
        {"HeaderName", view->api->header},
        {"KeyId", view->key != NULL ? view->key->id : NULL},
        {"Last4", view->key != NULL ? view->key->last4 : NULL},
        {"RotationState", state_of(view)},
        {"Attention", attention_of(view)},
        {"LastFetchedBy", view->tells_fetches ? view->entry->last_fetched_by : NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (strcmp(texts[i].name, property) == 0)
            return texts[i].value != NULL ? texts[i].value : "";
    return "";
}

static uint64_t number_of(const struct view *view, const char *property)
{
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"Generation", view->key != NULL ? view->key->generation : 0},
        {"CreatedAt", view->key != NULL ? view->key->created_at : 0},
        {"DueAt", due_of(view)},
        {"LastFetchedAt", view->tells_fetches ? view->entry->last_fetched_at : 0},
        {"LastUsedAt", view->key != NULL ? view->key->last_used_at : 0},
        {"RotateAfter", view->definition->rotate_after},
        {"Overlap", view->definition->overlap},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (strcmp(numbers[i].name, property) == 0)
            return numbers[i].value;
    return 0;
}

static bool view_at(struct service *service, const char *path, struct view *ret)
{
    struct daemon *daemon = service->daemon;
    const struct entry *entry = entry_at(service, path);

    if (entry == NULL)
        return false;
    *ret = (struct view){
        .entry = entry,
        .definition = entry->definition,
        .key = entry_current(entry),
        .api = &daemon->config->api[entry->definition->environment],
        .rotation = rotator_find(daemon->rotator, entry->definition->name),
        .tells_fetches = !daemon->system_mode,
    };
    return true;
}

/* What nobody was called for, since it is either of all integrations of an environment or by a person's own
 * hand. */
static char *hint_of(struct service *service, const struct view *view)
{
    char *trouble = view->definition->managed_by == MANAGED_BY_API
                        ? daemon_environment_trouble(service->daemon, view->definition->environment)
                        : NULL;

    if (trouble != NULL || view->rotation != NULL)
        return trouble;
    return entry_drift(view->entry);
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    struct view view;
    int r;

    if (!view_at(userdata, path, &view))
        return -ENOENT;
    view.hint = hint_of(userdata, &view);
    r = sd_bus_message_append(reply, "s", text_of(&view, property));
    g_free(view.hint);
    return r;
}

static int get_number(sd_bus *bus, const char *path, const char *interface, const char *property,
                      sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    struct view view;

    return view_at(userdata, path, &view) ? sd_bus_message_append(reply, "t", number_of(&view, property))
                                          : -ENOENT;
}

static int get_permissions(sd_bus *bus, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    g_auto(GStrv) has = NULL;
    struct view view;

    if (!view_at(userdata, path, &view))
        return -ENOENT;
    if (has_full_access(&view))
        return sd_bus_message_append(reply, "as", 0);
    if (view.key == NULL || view.key->permissions == NULL)
        return sd_bus_message_append_strv(reply, view.definition->permissions);
    has = g_strsplit(view.key->permissions, ";", -1);
    return sd_bus_message_append_strv(reply, has);
}

static int get_allow(sd_bus *bus, const char *path, const char *interface, const char *property,
                     sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    struct view view;

    return view_at(userdata, path, &view) ? sd_bus_message_append_strv(reply, view.definition->allow)
                                          : -ENOENT;
}

#define CONST SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Name", "s", get_text, 0, CONST),
    SD_BUS_PROPERTY("Environment", "s", get_text, 0, CONST),
    SD_BUS_PROPERTY("Access", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Permissions", "as", get_permissions, 0, CHANGES),
    SD_BUS_PROPERTY("Management", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("BaseURL", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("HeaderName", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("KeyId", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Last4", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Generation", "t", get_number, 0, CHANGES),
    SD_BUS_PROPERTY("CreatedAt", "t", get_number, 0, CHANGES),
    SD_BUS_PROPERTY("DueAt", "t", get_number, 0, CHANGES),
    SD_BUS_PROPERTY("RotationState", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("Attention", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("LastFetchedAt", "t", get_number, 0, CHANGES),
    SD_BUS_PROPERTY("LastFetchedBy", "s", get_text, 0, CHANGES),
    SD_BUS_PROPERTY("LastUsedAt", "t", get_number, 0, CHANGES),
    SD_BUS_PROPERTY("Allow", "as", get_allow, 0, CHANGES),
    SD_BUS_PROPERTY("RotateAfter", "t", get_number, 0, CHANGES),
    SD_BUS_PROPERTY("Overlap", "t", get_number, 0, CHANGES),
    SD_BUS_VTABLE_END,
};

static int append_property(sd_bus_message *message, const sd_bus_vtable *property, const char *path,
                           struct service *service)
{
    const char *member = property->x.property.member, *signature = property->x.property.signature;
    int r = sd_bus_message_open_container(message, 'e', "sv");

    if (r >= 0)
        r = sd_bus_message_append(message, "s", member);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', signature);
    if (r >= 0)
        r = property->x.property.get(service->bus, path, KT_INTEGRATION_INTERFACE, member, message, service,
                                     NULL);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static int append_properties(sd_bus_message *message, const char *path, struct service *service)
{
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    for (size_t i = 0; i < G_N_ELEMENTS(vtable) && r >= 0; i++)
        if (vtable[i].type == _SD_BUS_VTABLE_PROPERTY)
            r = append_property(message, &vtable[i], path, service);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

int integration_append(struct service *service, sd_bus_message *message, const char *name)
{
    g_autofree char *path = integration_path(name);
    int r = sd_bus_message_open_container(message, 'e', "oa{sa{sv}}");

    if (r >= 0)
        r = sd_bus_message_append(message, "o", path);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'a', "{sa{sv}}");
    if (r >= 0)
        r = sd_bus_message_append(message, "{sa{sv}}{sa{sv}}{sa{sv}}", "org.freedesktop.DBus.Peer", 0,
                                  "org.freedesktop.DBus.Introspectable", 0, "org.freedesktop.DBus.Properties",
                                  0);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'e', "sa{sv}");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", KT_INTEGRATION_INTERFACE);
    if (r >= 0)
        r = append_properties(message, path, service);
    for (int i = 0; i < 3 && r >= 0; i++)
        r = sd_bus_message_close_container(message);
    return r;
}

int integration_objects_add(struct service *service)
{
    int r = sd_bus_add_fallback_vtable(service->bus, NULL, KT_INTEGRATION_PREFIX, KT_INTEGRATION_INTERFACE,
                                       vtable, find, service);

    if (r >= 0)
        r = sd_bus_add_node_enumerator(service->bus, NULL, KT_INTEGRATION_PREFIX, enumerate, service);
    if (r >= 0)
        r = sd_bus_add_object_manager(service->bus, NULL, KT_OBJECT_PATH);
    return r;
}

/* Signals that can't be queued are lost with the connection, which is what ends keyturnd. */
void integration_emit_changed(struct service *service, const struct entry *entry)
{
    g_autofree char *path = integration_path(entry->definition->name);

    sd_bus_emit_properties_changed(service->bus, path, KT_INTEGRATION_INTERFACE, "Access", "Permissions",
                                   "Management", "BaseURL", "HeaderName", "KeyId", "Last4", "Generation",
                                   "CreatedAt", "DueAt", "RotationState", "Attention", "LastUsedAt", "Allow",
                                   "RotateAfter", "Overlap", NULL);
}

void integration_emit_fetched(struct service *service, const struct entry *entry)
{
    g_autofree char *path = NULL;

    if (service->daemon->system_mode)
        return;
    path = integration_path(entry->definition->name);
    sd_bus_emit_properties_changed(service->bus, path, KT_INTEGRATION_INTERFACE, "LastFetchedAt",
                                   "LastFetchedBy", NULL);
}

void integration_emit_added(struct service *service, const char *name)
{
    g_autofree char *path = integration_path(name);

    sd_bus_emit_interfaces_added(service->bus, path, KT_INTEGRATION_INTERFACE, NULL);
}

void integration_emit_removed(struct service *service, const char *name)
{
    g_autofree char *path = integration_path(name);

    sd_bus_emit_interfaces_removed(service->bus, path, KT_INTEGRATION_INTERFACE, NULL);
}
