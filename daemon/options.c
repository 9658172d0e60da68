/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* getopt and the XDG directories. */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include <glib.h>

#include "config.h"

static const char help[] = "keyturnd [OPTIONS...]\n"
                           "\n"
                           "Keeps, hands out and rotates HueChat API keys.\n"
                           "\n"
                           "      --user           serve this user on the session bus (the default)\n"
                           "      --system         serve all users on the system bus\n"
                           "      --config DIR     keyturn.conf and integrations/\n"
                           "      --state DIR      the ledger\n"
                           "      --runtime DIR    the credentials socket\n"
                           "      --helpers DIR    keyturn-huechat and keyturn-secret-service\n"
                           "  -h, --help           show this text\n"
                           "  -V, --version        show the version\n"
                           "\n"
                           "See keyturnd(8).\n";

enum { OPTION_USER = 256, OPTION_SYSTEM, OPTION_CONFIG, OPTION_STATE, OPTION_RUNTIME, OPTION_HELPERS };

static void set(char **path, const char *value)
{
    g_free(*path);
    *path = value != NULL ? g_canonicalize_filename(value, NULL) : NULL;
}

static void fill_in(struct options *options)
{
    struct paths *paths = &options->paths;
    bool system = options->system_mode;

    if (paths->config == NULL)
        paths->config = system ? g_strdup(KT_SYSCONFDIR "/keyturn")
                               : g_build_filename(g_get_user_config_dir(), "keyturn", NULL);
    if (paths->state == NULL)
        paths->state =
            system ? g_strdup("/var/lib/keyturn") : g_build_filename(g_get_user_state_dir(), "keyturn", NULL);
    if (paths->runtime == NULL)
        paths->runtime =
            system ? g_strdup("/run/keyturn") : g_build_filename(g_get_user_runtime_dir(), "keyturn", NULL);
    if (paths->helpers == NULL)
        paths->helpers = g_strdup(KT_LIBEXECDIR);
}

int options_parse(int argc, char **argv, struct options *ret)
{
    static const struct option known[] = {
        {"user", no_argument, NULL, OPTION_USER},
        {"system", no_argument, NULL, OPTION_SYSTEM},
        {"config", required_argument, NULL, OPTION_CONFIG},
        {"state", required_argument, NULL, OPTION_STATE},
        {"runtime", required_argument, NULL, OPTION_RUNTIME},
        {"helpers", required_argument, NULL, OPTION_HELPERS},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {},
    };
    int option;

    *ret = (struct options){};
    while ((option = getopt_long(argc, argv, "hV", known, NULL)) >= 0) {
        if (option == 'h')
            return fputs(help, stdout) < 0 ? -EIO : 0;
        if (option == 'V')
            return puts("keyturnd " KT_VERSION) < 0 ? -EIO : 0;
        if (option == '?')
            return -EINVAL;
        if (option == OPTION_USER || option == OPTION_SYSTEM)
            ret->system_mode = option == OPTION_SYSTEM;
        else if (option == OPTION_CONFIG)
            set(&ret->paths.config, optarg);
        else if (option == OPTION_STATE)
            set(&ret->paths.state, optarg);
        else if (option == OPTION_RUNTIME)
            set(&ret->paths.runtime, optarg);
        else
            set(&ret->paths.helpers, optarg);
    }
    if (optind < argc) {
        fprintf(stderr, "keyturnd: %s is one argument too many: see keyturnd --help\n", argv[optind]);
        return -EINVAL;
    }
    fill_in(ret);
    return 1;
}

void options_clear(struct options *options)
{
    g_free(options->paths.config);
    g_free(options->paths.state);
    g_free(options->paths.runtime);
    g_free(options->paths.helpers);
}
