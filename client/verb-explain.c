/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn explain: who may fetch a key, by which rule, and how well that is known. */
#include <stdio.h>

#include "client/bus.h"
#include "client/lib/cleanup.h"
#include "client/options.h"
#include "client/output.h"
#include "client/verbs.h"
#include "daemon/util/text.h"

struct explanation {
    int allowed;
    const char *rule;
    const char *evidence;
    const char *strength;
};

static void print_json(const char *name, const char *subject, const struct explanation *e)
{
    g_autoptr(json_object) output = json_object_new_object();

    json_object_object_add(output, "name", json_object_new_string(name));
    json_object_object_add(output, "subject", json_object_new_string(subject));
    json_object_object_add(output, "allowed", json_object_new_boolean(e->allowed));
    json_object_object_add(output, "rule", json_object_new_string(e->rule));
    json_object_object_add(output, "evidence", json_object_new_string(e->evidence));
    json_object_object_add(output, "strength", json_object_new_string(e->strength));
    output_json(output);
}

static void print_text(const char *name, const char *subject, const struct explanation *e)
{
    enum colour colour = e->allowed ? COLOUR_GREEN : COLOUR_RED;

    printf("%s %s%s%s fetch the key of %s.\n", subject, colour_on(colour), e->allowed ? "may" : "may not",
           colour_off(colour), name);
    printf("%12s: %s\n", "Rule", e->rule);
    printf("%12s: %s\n", "Evidence", e->evidence);
    printf("%12s: %s\n", "Strength", e->strength);
}

int verb_explain(struct client *client, int argc, char **argv, GError **error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    g_autofree char *rule = NULL, *evidence = NULL, *strength = NULL;
    struct explanation e;
    int r = options_parse(client, argc, argv, NULL, 2, 2, error);

    if (r <= 0)
        return r;
    if (bus_call(client, "Explain", &reply, error, "ss", client->argv[0], client->argv[1]) < 0)
        return -1;
    r = sd_bus_message_read(reply, "bsss", &e.allowed, &e.rule, &e.evidence, &e.strength);
    if (r < 0)
        return bus_bad_reply(r, error);
    e.rule = rule = text_printable(e.rule, TEXT_MESSAGE_MAX);
    e.evidence = evidence = text_printable(e.evidence, TEXT_MESSAGE_MAX);
    e.strength = strength = text_printable(e.strength, TEXT_NAME_MAX);
    if (client->json)
        print_json(client->argv[0], client->argv[1], &e);
    else
        print_text(client->argv[0], client->argv[1], &e);
    return 0;
}
