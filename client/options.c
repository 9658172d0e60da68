/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of the command line, by GOption, with help texts of one shape. */
#include "client/options.h"

#include "config.h"

#include <stdio.h>

#define WIDTH 32 /* of the column of names in a help text */

/* The options that every verb takes, and where GOption leaves them. */
struct global {
    gboolean help;
    gboolean version;
    GOptionEntry entries[5];
};

static void global_init(struct global *global, struct client *client)
{
    *global = (struct global){
        .entries =
            {
                {"system", 0, 0, G_OPTION_ARG_NONE, &client->system, "Talk to the keyturnd of the system",
                 NULL},
                {"json", 0, 0, G_OPTION_ARG_NONE, &client->json, "Print JSON", NULL},
                {"help", 'h', 0, G_OPTION_ARG_NONE, &global->help, "Show this help", NULL},
                {"version", 0, 0, G_OPTION_ARG_NONE, &global->version, "Show the version", NULL},
            },
    };
}

static bool parse(struct global *global, const GOptionEntry *entries, bool strict, int *argc, char ***argv,
                  GError **error)
{
    GOptionContext *context = g_option_context_new(NULL);
    g_autoptr(GError) local = NULL;
    bool ok;

    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_strict_posix(context, strict);
    if (entries)
        g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, global->entries, NULL);
    ok = g_option_context_parse(context, argc, argv, &local);
    g_option_context_free(context);
    if (!ok)
        g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "%s: keyturn --help tells more", local->message);
    return ok;
}

/* A name too long for the column stands on a line of its own. */
static void print_row(const char *name, const char *text)
{
    if (g_utf8_strlen(name, -1) >= WIDTH)
        printf("  %s\n  %*s%s\n", name, WIDTH, "", text);
    else
        printf("  %-*s%s\n", WIDTH, name, text);
}

static void print_options(const GOptionEntry *entries)
{
    for (const GOptionEntry *e = entries; e && e->long_name; e++) {
        char dash[] = {'-', e->short_name, ',', ' ', '\0'};
        g_autofree char *name = g_strconcat(e->short_name ? dash : "    ", "--", e->long_name,
                                            e->arg_description ? "=" : NULL, e->arg_description, NULL);

        print_row(name, e->description);
    }
}

static void print_verb(const struct verb *verb, const GOptionEntry *entries, const GOptionEntry *global)
{
    printf("keyturn %s%s%s\n\n%s.\n\n", verb->name, *verb->arguments ? " " : "", verb->arguments,
           verb->summary);
    print_options(entries);
    print_options(global);
    printf("\nkeyturn(1) tells more.\n");
}

static void print_usage(const struct verb *verbs, const GOptionEntry *global)
{
    printf("keyturn [--system] [--json] VERB ...\n\n"
           "Keeps HueChat API keys in the keyring, hands them out and rotates them.\n");
    for (const struct verb *v = verbs; v->name; v++) {
        g_autofree char *name = NULL;

        if (!v->run) {
            printf("\n%s:\n", v->name);
            continue;
        }
        name = g_strconcat(v->name, *v->arguments ? " " : "", v->arguments, NULL);
        print_row(name, v->summary);
    }
    printf("\nOptions:\n");
    print_options(global);
    printf("\nkeyturn VERB --help tells a verb's options; keyturn(1) tells more.\n");
}

int options_parse_global(struct client *client, int *argc, char ***argv, const struct verb *verbs,
                         GError **error)
{
    struct global global;

    global_init(&global, client);
    if (!parse(&global, NULL, true, argc, argv, error))
        return -1;
    if (global.help)
        print_usage(verbs, global.entries);
    else if (global.version)
        printf("keyturn %s\n", KT_VERSION);
    else
        return 1;
    return 0;
}

int options_parse(struct client *client, int argc, char **argv, const GOptionEntry *entries, int min, int max,
                  GError **error)
{
    struct global global;

    global_init(&global, client);
    if (!parse(&global, entries, false, &argc, &argv, error))
        return -1;
    client->argc = argc - 1;
    client->argv = argv + 1;
    if (global.help || global.version) {
        if (global.help)
            print_verb(client->verb, entries, global.entries);
        else
            printf("keyturn %s\n", KT_VERSION);
        return 0;
    }
    if (client->argc >= min && client->argc <= max)
        return 1;
    g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "%s: keyturn %s %s",
                client->argc < min ? "something is missing" : "too much is given", client->verb->name,
                client->verb->arguments);
    return -1;
}
