/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same decision that a fetch gets, about somebody who did not ask. */
#include "daemon/bus/explain.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "daemon/bus/errors.h"
#include "daemon/operations/operation.h"
#include "daemon/util/cleanup.h"

struct question {
    struct service *service;
    char *name;
    char *subject; /* for people */
};

static void answer(struct service *service, sd_bus_message *call, const struct entry *entry,
                   const struct subject *subject)
{
    const struct policy_setting setting = {.system_mode = service->daemon->system_mode, .own_uid = getuid()};
    struct decision decision = policy_decide(entry->definition->allow, subject, &setting);

    sd_bus_reply_method_return(call, "bsss", decision.allowed, decision.rule, decision.evidence,
                               strength_name(decision.strength));
    decision_clear(&decision);
}

static void G_GNUC_PRINTF(2, 3) refuse(sd_bus_message *call, const char *format, ...)
{
    g_autoptr(GError) error = NULL;
    va_list arguments;

    va_start(arguments, format);
    error = g_error_new_valist(KT_ERROR, KT_INVALID, format, arguments);
    va_end(arguments);
    bus_reply_error(call, error);
}

static void subject_told(enum caller_answer found, const struct caller *caller, sd_bus_message *call,
                         void *userdata)
{
    struct question *question = userdata;
    const struct entry *entry = registry_find(question->service->daemon->registry, question->name);

    if (caller != NULL && entry != NULL)
        answer(question->service, call, entry, &caller->subject);
    else if (found == CALLER_BUSY)
        bus_reply_busy(call, "it can't be told now whose that is: try again in a moment");
    else
        refuse(call, "there is no %s: see ps and busctl list", question->subject);
    g_free(question->name);
    g_free(question->subject);
    g_free(question);
}

static struct question *question_new(struct service *service, const struct entry *entry, const char *subject)
{
    struct question *question = g_new0(struct question, 1);

    *question = (struct question){service, g_strdup(entry->definition->name), g_strdup(subject)};
    return question;
}

static void explain_process(struct service *service, sd_bus_message *call, const struct entry *entry,
                            const char *number)
{
    g_autofree char *subject = g_strconcat("process ", number, NULL);
    guint64 pid;

    if (g_ascii_string_to_unsigned(number, 10, 1, INT32_MAX, &pid, NULL))
        callers_look_at_process(service->callers, (pid_t)pid, call, subject_told,
                                question_new(service, entry, subject));
    else
        refuse(call, "%s is no process: use pid:NUMBER", number);
}

static void explain_sender(struct service *service, sd_bus_message *call, const struct entry *entry,
                           const char *name)
{
    g_autofree char *subject = g_strdup_printf("%s on the bus", name);

    callers_look_at_name(service->callers, name, call, subject_told, question_new(service, entry, subject));
}

static void explain_user(struct service *service, sd_bus_message *call, const struct entry *entry,
                         const char *name)
{
    guint64 number;
    const struct passwd *user = getpwnam(name);
    struct subject subject = {.user = name};

    if (user != NULL)
        subject.uid = user->pw_uid;
    else if (g_ascii_string_to_unsigned(name, 10, 0, UINT32_MAX - 1, &number, NULL))
        subject.uid = (uid_t)number;
    else {
        refuse(call, "there is no user %s: see getent passwd", name);
        return;
    }
    answer(service, call, entry, &subject);
}

void explain(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    g_autoptr(GError) error = NULL;
    const struct entry *entry;
    const char *name, *subject;

    if (sd_bus_message_read(call, "ss", &name, &subject) < 0)
        return refuse(call, "the arguments can't be read: see org.keyturn1(5)");
    entry = operation_find(service->daemon, name, &error);
    if (entry == NULL)
        bus_reply_error(call, error);
    else if (g_str_has_prefix(subject, "pid:"))
        explain_process(service, call, entry, subject + strlen("pid:"));
    else if (g_str_has_prefix(subject, "user:"))
        explain_user(service, call, entry, subject + strlen("user:"));
    else if (g_str_has_prefix(subject, "unit:"))
        answer(service, call, entry,
               &(struct subject){.uid = (uid_t)-1,
                                 .unit = subject + strlen("unit:"),
                                 .unit_is_strong = service->daemon->system_mode});
    else if (g_str_has_prefix(subject, "sender:"))
        explain_sender(service, call, entry, subject + strlen("sender:"));
    else
        refuse(call, "%s is no subject: use pid:N, unit:NAME, user:NAME or sender:NAME", subject);
}
