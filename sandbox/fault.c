/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of kinds: their names, what they can befall, and what they mean for the deed itself. */
#include "sandbox/fault.h"

#define ON(call) (1u << (call))
#define ANYWHERE (~0u)
#define SHOWS_KEYS (ON(CALL_CREATE) | ON(CALL_GET) | ON(CALL_LIST))

static const char *const call_names[] = {
    [CALL_CREATE] = "create", [CALL_LIST] = "list",   [CALL_GET] = "get",
    [CALL_DELETE] = "delete", [CALL_PROBE] = "probe", [CALL_OTHER] = "other",
};

static const struct {
    const char *name;
    unsigned calls;
    bool replaces; /* the answer; else it is made, and spoilt */
    bool commits;  /* unless said otherwise */
} kinds[FAULT_KINDS] = {
    [FAULT_LOSE_REPLY] = {"lose-reply", ANYWHERE, true, true},
    [FAULT_COMMIT_LATE] = {"commit-late", ANYWHERE, true, false},
    [FAULT_CUT_BODY] = {"cut-body", ANYWHERE, false, true},
    [FAULT_UNAUTHORIZED_FOR_A_WHILE] = {"unauthorized-for-a-while", ON(CALL_CREATE), false, true},
    [FAULT_STILL_VALID] = {"still-valid", ON(CALL_DELETE), false, true},
    [FAULT_WIDEN_PERMISSIONS] = {"widen-permissions", SHOWS_KEYS, false, true},
    [FAULT_OTHER_PERMISSIONS] = {"other-permissions", SHOWS_KEYS, false, true},
    [FAULT_WRONG_PREFIX] = {"wrong-prefix", ON(CALL_CREATE), false, true},
    [FAULT_WRONG_LAST4] = {"wrong-last4", SHOWS_KEYS, false, true},
    [FAULT_SAME_ID] = {"same-id", ON(CALL_CREATE), false, true},
    [FAULT_FORGET_IDEMPOTENCY] = {"forget-idempotency", ON(CALL_CREATE), false, true},
    [FAULT_NOT_FOUND] = {"not-found", ANYWHERE, true, false},
    [FAULT_WRONG_PATH] = {"wrong-path", ANYWHERE, true, false},
    [FAULT_RATE_LIMIT_HEADER] = {"rate-limit-header", ANYWHERE, true, false},
    [FAULT_RATE_LIMIT_BODY] = {"rate-limit-body", ANYWHERE, true, false},
    [FAULT_ERROR_401] = {"error-401", ANYWHERE, true, false},
    [FAULT_ERROR_403] = {"error-403", ANYWHERE, true, false},
    [FAULT_ERROR_422] = {"error-422", ANYWHERE, true, false},
    [FAULT_ERROR_500] = {"error-500", ANYWHERE, true, false},
    [FAULT_ERROR_502] = {"error-502", ANYWHERE, true, false},
    [FAULT_ERROR_503] = {"error-503", ANYWHERE, true, false},
    [FAULT_HTML_503] = {"html-503", ANYWHERE, true, false},
    [FAULT_HTML_200] = {"html-200", ANYWHERE, true, false},
    [FAULT_HTML_403] = {"html-403", ANYWHERE, true, false},
    [FAULT_PROXY_401] = {"proxy-401", ANYWHERE, true, false},
    [FAULT_CONFLICT_409] = {"conflict-409", ANYWHERE, true, false},
    [FAULT_REDIRECT] = {"redirect", ANYWHERE, true, false},
    [FAULT_SLOW] = {"slow", ANYWHERE, false, true},
    [FAULT_DELAY] = {"delay", ANYWHERE, false, true},
    [FAULT_HUGE_BODY] = {"huge-body", ANYWHERE, false, true},
    [FAULT_BROKEN_JSON] = {"broken-json", ANYWHERE, false, true},
    [FAULT_WRONG_TYPES] = {"wrong-types", ANYWHERE, false, true},
    [FAULT_MISSING_FIELDS] = {"missing-fields", ANYWHERE, false, true},
    [FAULT_WRONG_CLOCK] = {"wrong-clock", ANYWHERE, false, true},
    [FAULT_NO_DATE] = {"no-date", ANYWHERE, false, true},
    [FAULT_LIST_TOTAL_CHANGES] = {"list-total-changes", ON(CALL_LIST), false, true},
    [FAULT_LIST_DUPLICATE] = {"list-duplicate", ON(CALL_LIST), false, true},
    [FAULT_LIST_DROPS_ONE] = {"list-drops-one", ON(CALL_LIST), false, true},
    [FAULT_ENDLESS_LIST] = {"endless-list", ON(CALL_LIST), false, true},
    [FAULT_RESET] = {"reset", ANYWHERE, true, false},
    [FAULT_NO_LAST_USED] = {"no-last-used", SHOWS_KEYS, false, true},
};

const char *fault_name(enum fault_kind kind)
{
    return kinds[kind].name;
}

bool fault_replaces(enum fault_kind kind)
{
    return kinds[kind].replaces;
}

static bool read_kind(const char *name, enum fault_kind *ret)
{
    for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++)
        if (g_strcmp0(name, kinds[kind].name) == 0) {
            *ret = kind;
            return true;
        }
    return false;
}

static bool read_call(const char *name, struct fault *fault)
{
    fault->any = name == NULL || g_strcmp0(name, "any") == 0;
    if (fault->any)
        return true;
    for (enum call call = 0; call < CALL_OTHER; call++)
        if (g_strcmp0(name, call_names[call]) == 0) {
            fault->call = call;
            return (kinds[fault->kind].calls & ON(call)) != 0;
        }
    return false;
}

static bool read_whole(json_object *object, const char *member, unsigned *number)
{
    gint64 value = json_number_of(object, member, *number);

    if (value < 0 || value > UINT_MAX)
        return false;
    *number = (unsigned)value;
    return true;
}

/* Whatever is misspelt would quietly not go wrong: so it is an error. */
static const char *stranger(json_object *object)
{
    static const char *const members[] = {"call", "fault", "count", "skip", "seconds", "commit", NULL};

    json_object_object_foreach(object, name, value)
    {
        const bool wants_text = name[0] == 'f' || (name[0] == 'c' && name[1] == 'a');
        const json_type type = wants_text                       ? json_type_string
                               : g_strcmp0(name, "commit") == 0 ? json_type_boolean
                                                                : json_type_int;

        if (!g_strv_contains(members, name) || !json_object_is_type(value, type))
            return name;
    }
    return NULL;
}

static char *read_fault(json_object *object, struct fault *fault)
{
    json_object *commit;

    *fault = (struct fault){.count = 1, .seconds = 1};
    if (!json_object_is_type(object, json_type_object))
        return g_strdup("a fault is an object");
    if (stranger(object) != NULL)
        return g_strdup_printf("unknown or ill-typed member: %s", stranger(object));
    if (!read_kind(json_text_of(object, "fault"), &fault->kind))
        return g_strdup_printf("unknown fault: %s", json_text_of(object, "fault") ?: "(none)");
    if (!read_call(json_text_of(object, "call"), fault))
        return g_strdup_printf("%s can't befall a call of that name", fault_name(fault->kind));
    if (!read_whole(object, "count", &fault->count) || !read_whole(object, "skip", &fault->skip))
        return g_strdup("count and skip can't be negative");
    fault->seconds = json_number_of(object, "seconds", fault->seconds);
    if (fault->seconds < 0 && fault->kind != FAULT_WRONG_CLOCK)
        return g_strdup("seconds can't be negative");
    fault->commit = kinds[fault->kind].commits;
    if (!json_object_object_get_ex(object, "commit", &commit))
        return NULL;
    if (!fault_replaces(fault->kind) || fault->kind == FAULT_COMMIT_LATE)
        return g_strdup_printf("commit says nothing about %s", fault_name(fault->kind));
    fault->commit = json_object_get_boolean(commit);
    return NULL;
}

GArray *faults_read(json_object *list, char **ret_error)
{
    g_autoptr(GArray) faults = g_array_new(FALSE, FALSE, sizeof(struct fault));

    if (!json_object_is_type(list, json_type_array)) {
        *ret_error = g_strdup("faults are a JSON list");
        return NULL;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct fault fault;
        g_autofree char *error = read_fault(json_object_array_get_idx(list, i), &fault);

        if (error != NULL) {
            *ret_error = g_strdup_printf("fault %zu: %s", i + 1, error);
            return NULL;
        }
        g_array_append_val(faults, fault);
    }
    return g_steal_pointer(&faults);
}

static bool spent(const struct fault *fault)
{
    return fault->count > 0 && fault->applied >= fault->count;
}

json_object *faults_show(const GArray *faults)
{
    json_object *list = json_object_new_array();

    for (unsigned i = 0; i < faults->len; i++) {
        const struct fault *fault = &g_array_index(faults, struct fault, i);
        json_object *shown;

        if (spent(fault))
            continue;
        shown = json_object_new_object();
        json_add_text(shown, "call", fault->any ? "any" : call_names[fault->call]);
        json_add_text(shown, "fault", fault_name(fault->kind));
        json_object_object_add(shown, "count", json_object_new_int64(fault->count));
        json_object_object_add(shown, "skip", json_object_new_int64(fault->skip));
        json_object_object_add(shown, "seconds", json_object_new_int64(fault->seconds));
        json_object_object_add(shown, "commit", json_object_new_boolean(fault->commit));
        json_object_object_add(shown, "applied", json_object_new_int64(fault->applied));
        json_object_array_add(list, shown);
    }
    return list;
}

bool faults_take(GArray *faults, enum call call, struct fault *ret)
{
    for (unsigned i = 0; i < faults->len; i++) {
        struct fault *fault = &g_array_index(faults, struct fault, i);

        if (spent(fault) || (kinds[fault->kind].calls & ON(call)) == 0 ||
            (!fault->any && fault->call != call))
            continue;
        if (fault->skip > 0) {
            fault->skip--;
            continue;
        }
        fault->applied++;
        *ret = *fault;
        return true;
    }
    return false;
}
