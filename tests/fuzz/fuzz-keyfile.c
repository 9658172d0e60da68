/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Key files by themselves: every entry is where the file has it, and stands there once. */
#include "tests/fuzz/fuzz.h"

#include "daemon/core/keyfile.h"

static void assert_entry(const struct keyfile *file, const struct keyfile_entry *entry)
{
    fuzz_assert(entry->group != NULL && *entry->group != '\0');
    fuzz_assert((entry->key == NULL) == (entry->value == NULL));
    fuzz_assert(entry->value == NULL || strchr(entry->value, '\n') == NULL);
    fuzz_assert(keyfile_find(file, entry->group, entry->key) == entry);
}

static void assert_entries(const struct keyfile *file, size_t size)
{
    unsigned line = 0;

    for (size_t i = 0; i < file->count; i++) {
        fuzz_assert(file->entries[i].line > line && file->entries[i].line <= size);
        line = file->entries[i].line;
        assert_entry(file, &file->entries[i]);
    }
}

static void assert_list(const char *text)
{
    g_auto(GStrv) list = keyfile_list(text), again = NULL;
    g_autofree char *joined = g_strjoinv(";", list);

    again = keyfile_list(joined);
    fuzz_assert(g_strv_equal((const char *const *)list, (const char *const *)again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size), *shown = keyfile_show(text);
    g_autoptr(GError) error = NULL;
    _cleanup_keyfile_ struct keyfile *file = keyfile_parse("x.conf", text, &error);

    fuzz_assert_line(shown);
    assert_list(text);
    fuzz_assert_outcome(file != NULL, error);
    if (file != NULL)
        assert_entries(file, size);
    return 0;
}
