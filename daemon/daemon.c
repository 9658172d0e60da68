/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The few lines that several parts of keyturnd share. */
#include "daemon/daemon.h"

#include "daemon/io/journal.h"
#include "daemon/io/messages.h"
#include "daemon/util/clock.h"
#include "daemon/util/text.h"

const struct secret *daemon_management(struct daemon *daemon, enum environment environment)
{
    const struct entry *entry = registry_find(daemon->registry, management_name(environment));
    const struct ledger_key *key = entry_current(entry);

    return key != NULL ? vault_get(daemon->vault, key->number) : NULL;
}

char *daemon_environment_trouble(struct daemon *daemon, enum environment environment)
{
    const struct entry *entry = registry_find(daemon->registry, management_name(environment));
    const char *name = environment_name(environment);

    if (daemon->refused[environment])
        return g_strdup_printf(
            "HueChat refuses the management key of %s, so nothing rotates there: keyturn login %s", name,
            name);
    if (entry_current(entry) == NULL)
        return g_strdup_printf(
            "there is no management key for %s, so nothing rotates there: keyturn login %s", name, name);
    if (entry->secret_missing)
        return g_strdup_printf(
            "the keyring has lost the management key of %s, so nothing rotates there: keyturn login %s", name,
            name);
    return NULL;
}

struct telling {
    struct daemon *daemon;
    enum environment environment;
};

static void tell_changed(struct entry *entry, void *userdata)
{
    const struct telling *telling = userdata;

    if (entry->definition->environment == telling->environment)
        telling->daemon->news->changed(entry, telling->daemon->news_userdata);
}

void daemon_environment_changed(struct daemon *daemon, enum environment environment)
{
    registry_each(daemon->registry, false, tell_changed, &(struct telling){daemon, environment});
}

/* NULL: there is nothing any more. */
static void call_for_attention(struct daemon *daemon, struct entry *entry, const char *shown)
{
    daemon->news->changed(entry, daemon->news_userdata);
    if (shown == NULL)
        return;
    daemon_note(daemon, LOG_WARNING,
                &(struct ledger_event){.time = clock_now(),
                                       .integration = entry->definition->name,
                                       .event = "attention",
                                       .message = shown});
    daemon->news->attention(entry->definition->name, shown, daemon->news_userdata);
}

void daemon_attention(struct daemon *daemon, struct entry *entry, const char *reason)
{
    g_autofree char *shown = text_printable(reason, TEXT_MESSAGE_MAX);

    if (entry_set_attention(entry, shown))
        call_for_attention(daemon, entry, shown);
}

static void set_trouble(struct daemon *daemon, struct entry *entry, char **text, const char *trouble)
{
    char *shown = text_printable(trouble, TEXT_MESSAGE_MAX);
    bool is_same = g_strcmp0(*text, shown) == 0;

    g_free(*text);
    *text = shown;
    if (!is_same)
        call_for_attention(daemon, entry, shown);
}

void daemon_file_trouble(struct daemon *daemon, struct entry *entry, const char *trouble)
{
    set_trouble(daemon, entry, &entry->file_trouble, trouble);
}

void daemon_unit_trouble(struct daemon *daemon, struct entry *entry, const char *unit, const char *trouble)
{
    g_free(entry->troubled_unit);
    entry->troubled_unit = g_strdup(unit);
    entry->troubled_at = clock_now();
    set_trouble(daemon, entry, &entry->unit_trouble, trouble);
}

/* Of the events that the catalogue explains. */
static const char *message_id_of(const struct ledger_event *event)
{
    static const struct {
        const char *event, *id;
    } ids[] = {
        {"attention", MESSAGE_ATTENTION},
        {"fetched", MESSAGE_FETCHED},
        {"recovered", MESSAGE_RECOVERED},
        {"refused", MESSAGE_REFUSED},
    };

    if (g_str_equal(event->event, "attention") && *event->integration == '@')
        return MESSAGE_MANAGEMENT_KEY;
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
        if (g_str_equal(event->event, ids[i].event))
            return ids[i].id;
    return NULL;
}

static void log_event(int priority, const struct ledger_event *event)
{
    g_autofree char *count = event->count > 0 ? g_strdup_printf("%" G_GUINT64_FORMAT, event->count) : NULL;
    const char *fields[] = {"KEYTURN_INTEGRATION",
                            event->integration,
                            "KEYTURN_EVENT",
                            event->event,
                            "KEYTURN_ROTATION",
                            event->rotation,
                            "KEYTURN_LAST4",
                            event->last4,
                            "KEYTURN_CALLER",
                            event->caller,
                            "KEYTURN_CALLER_UNIT",
                            event->caller_unit,
                            "KEYTURN_COUNT",
                            count,
                            NULL};

    journal_send(priority, message_id_of(event), fields, "%s%s%s%s%s", event->integration,
                 *event->integration != '\0' ? ": " : "",
                 event->message != NULL ? event->message : event->event, event->caller != NULL ? ", by " : "",
                 event->caller != NULL ? event->caller : "");
}

void daemon_note_many(struct daemon *daemon, int priority, const struct ledger_event *const *events, size_t n)
{
    int r = ledger_note_events(daemon->ledger, events, n);

    if (r < 0)
        journal_send(LOG_ERR, MESSAGE_LEDGER_TROUBLE, (const char *[]){NULL},
                     "the history can't be written: %s", g_strerror(-r));
    for (size_t i = 0; i < n; i++)
        log_event(priority, events[i]);
}

void daemon_note(struct daemon *daemon, int priority, const struct ledger_event *event)
{
    daemon_note_many(daemon, priority, &event, 1);
}

const char *daemon_keyring_trouble(const struct daemon *daemon)
{
    bool absent = keyring_get_state(daemon->keyring) == KEYRING_ABSENT;

    if (daemon->system_mode)
        return absent ? "there is no keyring: see systemctl status keyturn-keyring keyturn-keyring-setup"
                      : "the keyring is locked: see systemctl status keyturn-keyring";
    return absent ? "there is no keyring: start one (gnome-keyring, KWallet) and log in to it"
                  : "the keyring is locked: unlock it";
}

struct keyring_item daemon_item(const struct entry *entry, const struct ledger_key *key)
{
    return (struct keyring_item){
        .integration = entry_is_management(entry) ? NULL : entry->definition->name,
        .environment = entry->definition->environment,
        .key_id = key->item,
    };
}
