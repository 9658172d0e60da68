/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturnd's view of the keyring on a line each: its state when that changes, and the outcome of the commands
 * that come on standard input: "store NAME ID KEY", "load NAME ID", "erase NAME ID", "all", "check". */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <glib.h>

#include "daemon/io/keyring.h"

static void on_state(enum keyring_state state, void *userdata)
{
    printf("state %s\n", keyring_state_name(state));
}

static void on_done(int result, const struct secret *secret, const char *message, void *userdata)
{
    if (result < 0)
        printf("done %s: %s\n", strerrorname_np(-result), message);
    else
        printf("done %s\n", secret != NULL ? secret_text(secret) : "");
}

static void on_item(const struct keyring_item *item, const struct secret *secret, void *userdata)
{
    printf("item %s %s %s\n", item->integration != NULL ? item->integration : "management",
           environment_name(item->environment), secret != NULL ? secret_text(secret) : "-");
}

static void store(struct keyring *keyring, const struct keyring_item *item, const char *text)
{
    _cleanup_secret_ struct secret *secret = secret_new(text, strlen(text));

    keyring_store(keyring, item, secret, on_done, NULL);
}

static void run(struct keyring *keyring, char *const *words)
{
    struct keyring_item item = {words[0] != NULL ? words[1] : NULL, ENVIRONMENT_TEST,
                                g_strv_length((char **)words) > 2 ? words[2] : NULL};

    if (g_str_equal(words[0], "store"))
        store(keyring, &item, words[3]);
    else if (g_str_equal(words[0], "load"))
        keyring_load(keyring, &item, on_done, NULL);
    else if (g_str_equal(words[0], "erase"))
        keyring_erase(keyring, &item, on_done, NULL);
    else if (g_str_equal(words[0], "all"))
        keyring_load_all(keyring, on_item, on_done, NULL);
    else if (g_str_equal(words[0], "check"))
        keyring_check(keyring, on_done, NULL);
}

/* Commands are short: what is read at once is whole lines. */
static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    char text[4096];
    ssize_t n = read(fd, text, sizeof text - 1);
    g_auto(GStrv) lines = NULL;

    if (n <= 0)
        return sd_event_exit(sd_event_source_get_event(source), 0);
    text[n] = '\0';
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL && **line != '\0'; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", -1);

        run(userdata, words);
    }
    return 0;
}

int main(int argc, char **argv)
{
    sd_event *event = NULL;
    struct keyring *keyring;
    sigset_t child;
    int r;

    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (argc != 2 || sigprocmask(SIG_BLOCK, &child, NULL) < 0 || sd_event_new(&event) < 0)
        return EXIT_FAILURE;
    keyring = keyring_new(event, argv[1], on_state, NULL);
    if (keyring == NULL || sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN, on_input, keyring) < 0)
        return EXIT_FAILURE;
    r = sd_event_loop(event);
    keyring_free(keyring);
    sd_event_unref(event);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
