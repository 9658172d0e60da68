/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of the history. */
#include "client/history.h"

#include <stdio.h>
#include <string.h>

#include "client/dict.h"
#include "client/output.h"
#include "client/when.h"

/* "refused: ...", "refused 3 more times: ..." say by themselves what happened. */
static bool begins_with_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    return strncmp(text, word, n) == 0 && (text[n] == ':' || text[n] == ' ');
}

void history_print(json_object *entry, bool json)
{
    const char *message = dict_text(entry, "Message"), *caller = dict_text(entry, "Caller");
    const char *event = dict_text(entry, "Event");
    g_autofree char *time = when_second(dict_number(entry, "Time"));

    if (json) {
        g_autoptr(json_object) output = dict_to_output(entry);
        output_json_line(output);
        return;
    }
    event = begins_with_word(message, event) ? "" : event;
    printf("%s%s%s %s%s%s %s%s%s%s%s%s\n", colour_on(COLOUR_DIM), time, colour_off(COLOUR_DIM),
           colour_on(COLOUR_BOLD), dict_text(entry, "Integration"), colour_off(COLOUR_BOLD), event,
           *message && *event ? ": " : "", message, *caller ? " (by " : "", caller, *caller ? ")" : "");
    fflush(stdout);
}
