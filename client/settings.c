/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of names. What values mean keyturnd alone knows. */
#include "client/settings.h"

#include <string.h>

#include "client/client.h"

static const struct {
    const char *name;
    const char *comment; /* or NULL */
    bool units;
} known[] = {
    {"Environment", "live or test; can't be changed later"},
    {"Access", "full or custom"},
    {"Permissions"},
    {"Management", "api or dashboard"},
    {"RotateAfter", "spans as in systemd.time(7), or infinity"},
    {"Overlap"},
    {"MaxOverlap"},
    {"OnStillUsed", "at MaxOverlap: hold or delete"},
    {"Allow", "any, user:NAME, group:NAME, unit:NAME; + joins for and"},
    {"Delivery", "any, or pipe: no string replies on the bus"},
    {"ReloadUnits", "what systemd does after a swap", true},
    {"RestartUnits", NULL, true},
    {"StartUnits", NULL, true},
};

void settings_set_text(json_object *settings, const char *name, const char *text)
{
    if (text)
        json_object_object_add(settings, name, json_object_new_string(text));
}

void settings_set_list(json_object *settings, const char *name, char *const *texts)
{
    json_object *array;

    if (!texts)
        return;
    array = json_object_new_array();
    for (; *texts; texts++)
        json_object_array_add(array, json_object_new_string(*texts));
    json_object_object_add(settings, name, array);
}

bool settings_have_units(json_object *settings)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (known[i].units && json_object_object_get_ex(settings, known[i].name, NULL))
            return true;
    return false;
}

static int append_list(sd_bus_message *m, const char *name, json_object *array)
{
    int r = sd_bus_message_open_container(m, 'e', "sv");

    if (r >= 0)
        r = sd_bus_message_append(m, "s", name);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "s");
    for (size_t i = 0; r >= 0 && i < json_object_array_length(array); i++)
        r = sd_bus_message_append(m, "s", json_object_get_string(json_object_array_get_idx(array, i)));
    for (int i = 0; r >= 0 && i < 3; i++)
        r = sd_bus_message_close_container(m);
    return r;
}

int settings_append(sd_bus_message *m, json_object *settings)
{
    int r = 0;

    json_object_object_foreach(settings, name, value)
    {
        if (r >= 0 && json_object_is_type(value, json_type_array))
            r = append_list(m, name, value);
        else if (r >= 0)
            r = sd_bus_message_append(m, "{sv}", name, "s", json_object_get_string(value));
    }
    return r;
}

/* One line, one value, and nothing that an editor takes for an order to itself: those have a space before
 * them. Spans have spaces too. */
static bool is_plain(const char *text)
{
    bool plain = g_utf8_validate(text, -1, NULL) && !strchr(text, ';');

    for (const char *c = text; plain && *c; c = g_utf8_next_char(c))
        plain = g_unichar_isprint(g_utf8_get_char(c));
    if (!plain || !strchr(text, ' '))
        return plain;
    return strspn(text, G_CSET_a_2_z G_CSET_DIGITS " ") == strlen(text);
}

static int add_value(GString *value, const char *name, const char *text, GError **error)
{
    g_autofree char *shown = g_strescape(text, NULL);

    if (!is_plain(text))
        return client_fail(error, "%s can't be \"%s\": give one value at a time, in plain letters", name,
                           shown);
    g_string_append_printf(value, "%s%s", value->len > 0 ? ";" : "", text);
    return 0;
}

static int add_setting(GString *file, size_t which, json_object *setting, GError **error)
{
    const char *name = known[which].name;
    g_autoptr(GString) value = g_string_new(NULL);
    bool is_list = json_object_is_type(setting, json_type_array);
    size_t n = is_list ? json_object_array_length(setting) : 1;

    for (size_t i = 0; i < n; i++) {
        json_object *text = is_list ? json_object_array_get_idx(setting, i) : setting;

        if (add_value(value, name, json_object_get_string(text), error) < 0)
            return -1;
    }
    if (known[which].comment)
        g_string_append_printf(file, "# %s\n", known[which].comment);
    g_string_append_printf(file, "%s=%s\n", name, value->str);
    return 0;
}

char *settings_to_text(const char *integration, json_object *settings, bool units, GError **error)
{
    g_autoptr(GString) file = g_string_new(NULL);
    json_object *setting;

    g_string_append_printf(
        file,
        "# The integration %s: what its key may do, who may fetch it, when it is rotated.\n"
        "# Comments stand on lines of their own. `keyturn reload` takes changes in.\n"
        "[Integration]\n",
        integration);
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if ((units || !known[i].units) && json_object_object_get_ex(settings, known[i].name, &setting) &&
            add_setting(file, i, setting, error) < 0)
            return NULL;
    return g_string_free(g_steal_pointer(&file), FALSE);
}
