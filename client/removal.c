/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Were the file deleted last, one that is left would be a new integration of that name. */
#include "client/removal.h"

#include "client/bus.h"

#define ASIDE ".removed"
#define DRAFT ".edit" /* of keyturn edit: not for the next one of that name */

/* It isn't known whether the integration is gone, so the file stays where it is. */
static int say_where(const struct definitions *definitions, const char *aside, const GError *failure,
                     GError **error)
{
    return client_fail(error, "%s (the file is %s/%s now; remove again when keyturnd answers)",
                       failure->message, definitions->path, aside);
}

int removal_run(struct client *client, const struct definitions *definitions, const char *name, bool revoke,
                GError **error)
{
    g_autofree char *file = definitions_file(name, error), *aside = g_strconcat(file, ASIDE, NULL),
                    *draft = g_strconcat(file, DRAFT, NULL);
    g_autoptr(GError) failure = NULL;
    bool has_file;

    if (!file)
        return -1;
    has_file = definitions_has(definitions, file);
    if (has_file && (definitions_delete(definitions, aside, error) < 0 ||
                     definitions_rename(definitions, file, aside, error) < 0))
        return -1;
    if (bus_call(client, "RemoveIntegration", NULL, &failure, "sb", name, revoke) == 0)
        return definitions_delete(definitions, aside, error) < 0 ||
                       definitions_delete(definitions, draft, error) < 0
                   ? -1
                   : 0;
    if (has_file && g_error_matches(failure, CLIENT_ERROR, CLIENT_UNSURE))
        return say_where(definitions, aside, failure, error);
    if (has_file && definitions_rename(definitions, aside, file, error) < 0)
        return -1;
    g_propagate_error(error, g_steal_pointer(&failure));
    return -1;
}
