/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .env files: a secret is a part of the file, as long as it may be, and in no error. */
#include "tests/fuzz/fuzz.h"

#include "client/dotenv.h"

static void assert_find(const char *text, size_t size, const char *variable)
{
    g_autoptr(GError) error = NULL;
    _cleanup_secret_ struct secret *secret = dotenv_find(text, size, variable, &error);

    fuzz_assert_outcome(secret != NULL, error);
    if (secret == NULL)
        return;
    fuzz_assert(secret->length > 0 && secret->length <= SECRET_MAX && secret->text[secret->length] == '\0');
    fuzz_assert(memmem(text, size, secret->text, secret->length) != NULL);
    fuzz_assert(memchr(secret->text, '\n', secret->length) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    assert_find((const char *)data, size, NULL);
    assert_find((const char *)data, size, "KEY");
    return 0;
}
