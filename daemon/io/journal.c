/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line, with fields where they can be kept. */
#include "daemon/io/journal.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "daemon/util/text.h"

/* Whether systemd connected standard error to the journal: its words are "device:inode". */
static bool stderr_is_the_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static void add(GArray *lines, const char *name, const char *value)
{
    g_autofree char *shown = text_printable(value, TEXT_MESSAGE_MAX);
    char *text = g_strdup_printf("%s=%s", name, shown);
    struct iovec line = {text, strlen(text)};

    g_array_append_val(lines, line);
}

static void free_line(void *line)
{
    g_free(((struct iovec *)line)->iov_base);
}

static int send_lines(int priority, const char *message_id, const char *const *fields, const char *message)
{
    g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(struct iovec));
    char digit[] = {(char)('0' + LOG_PRI(priority)), '\0'};

    g_array_set_clear_func(lines, free_line);
    add(lines, "PRIORITY", digit);
    add(lines, "MESSAGE", message);
    if (message_id != NULL)
        add(lines, "MESSAGE_ID", message_id);
    for (; fields != NULL && fields[0] != NULL; fields += 2)
        if (fields[1] != NULL && *fields[1] != '\0')
            add(lines, fields[0], fields[1]);
    return sd_journal_sendv((const struct iovec *)(void *)lines->data, (int)lines->len);
}

void journal_send(int priority, const char *message_id, const char *const *fields, const char *format, ...)
{
    g_autofree char *text = NULL, *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    message = text_printable(text, TEXT_MESSAGE_MAX);
    if (stderr_is_the_journal() && send_lines(priority, message_id, fields, message) >= 0)
        return;
    fprintf(stderr, "keyturnd: %s\n", message);
}
