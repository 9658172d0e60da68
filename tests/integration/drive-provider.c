/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturnd's view of HueChat on a line each: the outcome of the commands that come on standard input, after a
 * first line with the key that they are made with: "create NAME", "list", "get ID", "delete ID", "probe". */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <glib.h>

#include "daemon/io/provider.h"

struct driver {
    struct provider *provider;
    struct secret *key;
};

static void on_done(struct provider_result *result, void *userdata)
{
    const struct answer *answer = &result->answer;

    printf("status=%u sent=%d complete=%d error=%s id=%s secret=%s keys=%zu counts=%d limit=%d date=%d "
           "message=%s\n",
           answer->status, answer->sent, answer->complete, answer->error,
           result->key.id != NULL ? result->key.id : "",
           result->secret != NULL ? secret_text(result->secret) : "", result->n_keys, result->counts,
           (int)answer->rate_limit, answer->date > 0, answer->message);
}

static bool on_sending(void *userdata)
{
    puts("sending");
    return true;
}

static void create(struct driver *driver, const char *name)
{
    const struct provider_create arguments = {.name = name,
                                              .type = ENVIRONMENT_TEST,
                                              .permissions = (char *[]){(char *)"contacts:read", NULL},
                                              .idempotency_key = "7f3a9c21-1"};

    provider_create(driver->provider, PRIORITY_PERSON, driver->key, &arguments, on_sending, on_done, NULL);
}

static void run(struct driver *driver, char *const *words)
{
    struct provider *provider = driver->provider;

    if (driver->key == NULL)
        driver->key = secret_new(words[0], strlen(words[0]));
    else if (g_str_equal(words[0], "create"))
        create(driver, words[1]);
    else if (g_str_equal(words[0], "list"))
        provider_list(provider, PRIORITY_PERSON, driver->key, on_done, NULL);
    else if (g_str_equal(words[0], "get"))
        provider_get(provider, PRIORITY_PERSON, driver->key, words[1], on_done, NULL);
    else if (g_str_equal(words[0], "delete"))
        provider_delete(provider, PRIORITY_PERSON, driver->key, words[1], on_done, NULL);
    else if (g_str_equal(words[0], "probe"))
        provider_probe(provider, PRIORITY_PERSON, driver->key, on_done, NULL);
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
        g_auto(GStrv) words = g_strsplit(*line, " ", 2);

        run(userdata, words);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct api_settings settings = {.base_url = argv[2],
                                    .header = (char *)"X-API-Key",
                                    .keys_path = (char *)"/api-keys",
                                    .probe_path = (char *)"/contacts?limit=1",
                                    .ca_file = (char *)"",
                                    .proxy = (char *)"",
                                    .timeout = 2 * USEC_PER_SEC};
    struct driver driver = {0};
    sd_event *event = NULL;
    sigset_t child;
    int r;

    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (argc != 3 || sigprocmask(SIG_BLOCK, &child, NULL) < 0 || sd_event_new(&event) < 0)
        return EXIT_FAILURE;
    driver.provider = provider_new(event, argv[1], &settings);
    if (driver.provider == NULL || sd_event_add_io(event, NULL, STDIN_FILENO, EPOLLIN, on_input, &driver) < 0)
        return EXIT_FAILURE;
    r = sd_event_loop(event);
    provider_free(driver.provider);
    secret_free(driver.key);
    sd_event_unref(event);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
