/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the command reads off the bus, from whoever has the name: it can always be written as JSON. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message.h"

#include "client/dict.h"

static const char *const signatures[] = {"a{sv}", "aa{sv}", "a{sv}aa{sv}", "a{ss}", "s", "av", NULL};
static const char *const words[] = {
    "Name:s", "Permissions:as", "Time:t", "CreatedAt:t", "Alive:b", "Pid:u", "Overlap:t", "RotateAfter:t",
    "Path:o", "BaseURL:s",      "Uid:u",  "\x1b[2J",     "crm",     "",      NULL};
static const struct vocabulary vocabulary = {signatures, words};

static void assert_dict(json_object *dict)
{
    json_object *output = dict_to_output(dict);

    json_object_object_foreach(dict, key, value)
    {
        g_autofree char *joined = dict_join(dict, key, ", ");

        fuzz_assert(joined != NULL && dict_text(dict, key) != NULL && value != NULL);
        dict_number(dict, key);
        dict_flag(dict, key);
    }
    fuzz_assert(json_object_to_json_string(output) != NULL);
    json_object_put(output);
}

static void read_dicts(sd_bus_message *m)
{
    json_object *dict = NULL, *array = NULL;

    if (dict_read(m, &dict) > 0)
        assert_dict(dict);
    json_object_put(dict);
    sd_bus_message_rewind(m, true);
    if (dict_read_array(m, &array) == 0)
        for (size_t i = 0; i < json_object_array_length(array); i++)
            assert_dict(json_object_array_get_idx(array, i));
    json_object_put(array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sd_bus_message *m = message_of_bytes(&vocabulary, data, size);

    if (m != NULL)
        read_dicts(m);
    sd_bus_message_unref(m);
    return 0;
}
