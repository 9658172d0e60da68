/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options, their defaults, and the help. */
#include "sandbox/options.h"

#include <string.h>

static const char summary[] =
    "A HueChat of your own on a loopback port: develop and test against it without an\n"
    "account. API keys can be created, listed, used and deleted, with scopes, rate\n"
    "limits and errors as documented, and it goes wrong when you tell it to.\n"
    "The key management calls are an assumption: HueChat has not published any.";

static const char description[] =
    "Both environments are at http://127.0.0.1:PORT/v2 (one each: /live/v2, /test/v2):\n"
    "  GET, POST /v2/api-keys     GET, DELETE /v2/api-keys/ID     with a management key\n"
    "  GET, POST /v2/contacts     also conversations, channels, webhooks, users\n"
    "For you alone, without a key:\n"
    "  POST /sandbox/keys         {\"name\":\"x\",\"type\":\"test\",\"access\":\"full\"}\n"
    "  DELETE /sandbox/keys/ID    as in the dashboard\n"
    "  GET, POST /sandbox/faults  [{\"call\":\"create\",\"fault\":\"lose-reply\"}]\n"
    "  GET, POST /sandbox/clock   {\"offset_seconds\":7776000}\n"
    "  GET /sandbox/ledger        every key and every request that ever was\n"
    "The faults, and a session with curl, are in keyturn-sandbox(1).";

static gboolean read_plan(struct options *options, GError **error)
{
    guint64 limit;

    if (options->plan == NULL || strcmp(options->plan, "pro") == 0)
        options->rate_limit = 1000;
    else if (strcmp(options->plan, "free") == 0)
        options->rate_limit = 100;
    else if (g_ascii_string_to_unsigned(options->plan, 10, 1, G_MAXINT, &limit, NULL))
        options->rate_limit = (unsigned)limit;
    else {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "--plan is free, pro, or a number of requests a minute");
        return FALSE;
    }
    return TRUE;
}

static gboolean fail(GError **error, const char *message)
{
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, message);
    return FALSE;
}

static gboolean check(int argc, struct options *options, GError **error)
{
    if (argc > 1)
        return fail(error, "there are no arguments, only options");
    if (options->port < 0 || options->port > 65535)
        return fail(error, "--port is 0 to 65535");
    if (options->window < 1)
        return fail(error, "--window is at least a second");
    if (options->last_used_resolution < 0)
        return fail(error, "--last-used-resolution can't be negative");
    if ((options->tls_cert == NULL) != (options->tls_key == NULL))
        return fail(error, "--tls-cert and --tls-key go together");
    if (options->faults != NULL && options->fault_file != NULL)
        return fail(error, "--faults and --fault-file exclude each other");
    if (options->address == NULL)
        options->address = g_strdup("127.0.0.1");
    if (options->management_key_file == NULL)
        options->management_key_file =
            g_build_filename(g_get_user_runtime_dir(), "keyturn-sandbox-keys", NULL);
    return read_plan(options, error);
}

gboolean options_read(int argc, char *argv[], struct options *ret, GError **error)
{
    struct options o = {.port = 8484, .window = 60};
    const GOptionEntry entries[] = {
        {"port", 'p', 0, G_OPTION_ARG_INT, &o.port, "Port; 0: any free one (8484)", "PORT"},
        {"address", 0, 0, G_OPTION_ARG_STRING, &o.address, "Loopback address (127.0.0.1)", "ADDRESS"},
        {"port-file", 0, 0, G_OPTION_ARG_FILENAME, &o.port_file, "Write the port there once it listens",
         "FILE"},
        {"management-key-file", 0, 0, G_OPTION_ARG_FILENAME, &o.management_key_file,
         "Keys to start with ($XDG_RUNTIME_DIR/keyturn-sandbox-keys)", "FILE"},
        {"ledger", 0, 0, G_OPTION_ARG_FILENAME, &o.ledger, "Remember there, over restarts", "FILE"},
        {"plan", 0, 0, G_OPTION_ARG_STRING, &o.plan, "free, pro, or requests a minute (pro)", "PLAN"},
        {"window", 0, 0, G_OPTION_ARG_INT, &o.window, "In which they may come (60)", "SECONDS"},
        {"last-used-resolution", 0, 0, G_OPTION_ARG_INT, &o.last_used_resolution, "Of last_used_at (1)",
         "SECONDS"},
        {"faults", 0, 0, G_OPTION_ARG_STRING, &o.faults, "What is to go wrong", "JSON"},
        {"fault-file", 0, 0, G_OPTION_ARG_FILENAME, &o.fault_file, "The same, read again on SIGHUP", "FILE"},
        {"tls-cert", 0, 0, G_OPTION_ARG_FILENAME, &o.tls_cert, "Serve HTTPS with this certificate", "FILE"},
        {"tls-key", 0, 0, G_OPTION_ARG_FILENAME, &o.tls_key, "And its key", "FILE"},
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &o.quiet, "No line for each request", NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &o.version, "Show the version", NULL},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(context, summary);
    g_option_context_set_description(context, description);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, error) || !check(argc, &o, error)) {
        options_clear(&o);
        return FALSE;
    }
    *ret = o;
    return TRUE;
}

void options_clear(struct options *options)
{
    g_free(options->address);
    g_free(options->port_file);
    g_free(options->management_key_file);
    g_free(options->ledger);
    g_free(options->faults);
    g_free(options->fault_file);
    g_free(options->plan);
    g_free(options->tls_cert);
    g_free(options->tls_key);
    *options = (struct options){0};
}
