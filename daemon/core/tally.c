/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of uids, each with a list of kinds: both so short that they are searched from the start. */
#include "daemon/core/tally.h"

#include <glib.h>

struct row {
    char *unit, *integration, *rule;
    uint64_t more; /* after the first, which was told */
};

struct account {
    uid_t uid;
    GPtrArray *rows;
    uint64_t more; /* of further kinds */
    unsigned room; /* for further kinds */
};

struct tally {
    GPtrArray *accounts;
    uint64_t more; /* of further uids */
};

static void row_free(void *data)
{
    struct row *row = data;

    g_free(row->unit);
    g_free(row->integration);
    g_free(row->rule);
    g_free(row);
}

static void account_free(void *data)
{
    struct account *account = data;

    g_ptr_array_unref(account->rows);
    g_free(account);
}

struct tally *tally_new(void)
{
    struct tally *tally = g_new0(struct tally, 1);

    tally->accounts = g_ptr_array_new_with_free_func(account_free);
    return tally;
}

struct tally *tally_free(struct tally *tally)
{
    if (tally == NULL)
        return NULL;
    g_ptr_array_unref(tally->accounts);
    g_free(tally);
    return NULL;
}

/* NULL: there is no room for another uid. */
static struct account *account_of(struct tally *tally, uid_t uid)
{
    guint places = uid < TALLY_SUBORDINATE ? TALLY_UIDS : TALLY_UIDS / 2;
    struct account *account;

    for (guint i = 0; i < tally->accounts->len; i++) {
        account = tally->accounts->pdata[i];
        if (account->uid == uid)
            return account;
    }
    if (tally->accounts->len >= places)
        return NULL;
    account = g_new0(struct account, 1);
    account->uid = uid;
    account->room = TALLY_ROOM;
    account->rows = g_ptr_array_new_with_free_func(row_free);
    g_ptr_array_add(tally->accounts, account);
    return account;
}

static const char *words(const char *text)
{
    return text != NULL ? text : "";
}

static struct row *find_row(const struct account *account, const struct tally_kind *kind)
{
    for (guint i = 0; i < account->rows->len; i++) {
        struct row *row = account->rows->pdata[i];

        if (g_str_equal(row->integration, words(kind->integration)) &&
            g_str_equal(row->rule, words(kind->rule)) && g_str_equal(row->unit, words(kind->unit)))
            return row;
    }
    return NULL;
}

static void add_row(struct account *account, const struct tally_kind *kind)
{
    struct row *row = g_new0(struct row, 1);

    row->unit = g_strdup(words(kind->unit));
    row->integration = g_strdup(words(kind->integration));
    row->rule = g_strdup(words(kind->rule));
    g_ptr_array_add(account->rows, row);
}

bool tally_add(struct tally *tally, const struct tally_kind *kind)
{
    struct account *account = account_of(tally, kind->uid);
    struct row *row = account != NULL ? find_row(account, kind) : NULL;

    if (row != NULL)
        row->more++;
    else if (account == NULL)
        tally->more++;
    else if (account->rows->len >= TALLY_KINDS || account->room == 0)
        account->more++;
    else {
        account->room--;
        add_row(account, kind);
        return true;
    }
    return false;
}

bool tally_is_empty(const struct tally *tally)
{
    for (guint i = 0; i < tally->accounts->len; i++) {
        const struct account *account = tally->accounts->pdata[i];

        if (account->rows->len > 0 || account->more > 0)
            return false;
    }
    return tally->more == 0;
}

bool tally_remembers(const struct tally *tally)
{
    return tally->accounts->len > 0;
}

/* True: there is nothing to remember of it. */
static bool begin_anew(struct account *account)
{
    g_ptr_array_set_size(account->rows, 0);
    account->more = 0;
    account->room = MIN(account->room + TALLY_ROOM_A_MINUTE, TALLY_ROOM);
    return account->room == TALLY_ROOM;
}

struct teller {
    void (*each)(const struct tally_count *count, void *userdata);
    void *userdata;
};

static void report(const struct teller *teller, enum tally_scope scope, const struct tally_kind *kind,
                   uint64_t count)
{
    if (count > 0)
        teller->each(&(struct tally_count){scope, *kind, count}, teller->userdata);
}

static void report_account(const struct teller *teller, const struct account *account)
{
    for (guint i = 0; i < account->rows->len; i++) {
        const struct row *row = account->rows->pdata[i];
        const struct tally_kind kind = {account->uid, row->unit, row->integration, row->rule};

        report(teller, TALLY_OF_KIND, &kind, row->more);
    }
    report(teller, TALLY_OF_UID, &(struct tally_kind){.uid = account->uid}, account->more);
}

void tally_end(struct tally *tally, void (*each)(const struct tally_count *count, void *userdata),
               void *userdata)
{
    const struct teller teller = {each, userdata};

    for (guint i = 0; i < tally->accounts->len; i++)
        report_account(&teller, tally->accounts->pdata[i]);
    report(&teller, TALLY_OF_ALL, &(struct tally_kind){.uid = (uid_t)-1}, tally->more);
    for (guint i = tally->accounts->len; i-- > 0;)
        if (begin_anew(tally->accounts->pdata[i]))
            g_ptr_array_remove_index(tally->accounts, i);
    tally->more = 0;
}
