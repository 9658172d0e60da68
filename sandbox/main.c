/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn-sandbox: a HueChat on a loopback port, for tests, demos, and people without an account. */
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "sandbox/options.h"
#include "sandbox/run.h"

int main(int argc, char *argv[])
{
    g_autoptr(GError) error = NULL;
    struct options options;
    int r = EXIT_SUCCESS;

    if (!options_read(argc, argv, &options, &error)) {
        fprintf(stderr, "keyturn-sandbox: %s: see --help\n", error->message);
        return 2;
    }
    if (options.version)
        puts("keyturn-sandbox " KT_VERSION);
    else
        r = run_sandbox(&options);
    options_clear(&options);
    return r;
}
