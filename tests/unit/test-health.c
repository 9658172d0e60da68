/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which integrations are urgent: the table behind check and remind. */
#include "client/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "client/dict.h"

#define NOW (1000 * HEALTH_DAY)

static const struct {
    const char *management;
    const char *state;
    const char *attention;
    gint64 due_in; /* days; G_MAXINT64: never */
    enum health expected;
    const char *why; /* its beginning */
} cases[] = {
    {"dashboard", "idle", "", 15, HEALTH_OK, NULL},
    {"dashboard", "idle", "", 14, HEALTH_WARNING, "due in 14 days"},
    {"dashboard", "idle", "", 4, HEALTH_WARNING, "due in 4 days"},
    {"dashboard", "idle", "", 3, HEALTH_CRITICAL, "due in 3 days"},
    {"dashboard", "idle", "", -5, HEALTH_CRITICAL, "overdue"},
    {"dashboard", "idle", "", G_MAXINT64, HEALTH_OK, NULL},
    {"dashboard", "awaiting-key", "make one", -1, HEALTH_CRITICAL, "make one"},
    {"dashboard", "awaiting-key", "make one", 50, HEALTH_WARNING, "make one"},
    {"dashboard", "awaiting-key", "", -1, HEALTH_CRITICAL, "a new key"},
    {"dashboard", "awaiting-deletion", "", 89, HEALTH_WARNING, "its old key"},
    {"dashboard", "awaiting-deletion", "", 80, HEALTH_CRITICAL, "its old key"},
    {"api", "idle", "", 1, HEALTH_OK, NULL},
    {"api", "draining", "", 0, HEALTH_OK, NULL},
    {"api", "idle", "", -2, HEALTH_WARNING, "overdue"},
    {"api", "held", "", 50, HEALTH_WARNING, "held"},
    {"api", "held", "look at it", 50, HEALTH_WARNING, "look at it"},
    {"api", "creating", "HueChat is away", 0, HEALTH_WARNING, "HueChat is away"},
};

/* A key lives 90 days here. */
static json_object *make_integration(size_t n)
{
    json_object *i = json_object_new_object();
    guint64 due = cases[n].due_in == G_MAXINT64 ? 0 : NOW + (guint64)(cases[n].due_in * (gint64)HEALTH_DAY);

    json_object_object_add(i, "Management", json_object_new_string(cases[n].management));
    json_object_object_add(i, "RotationState", json_object_new_string(cases[n].state));
    json_object_object_add(i, "Attention", json_object_new_string(cases[n].attention));
    json_object_object_add(i, "DueAt", json_object_new_uint64(due));
    json_object_object_add(i, "CreatedAt", json_object_new_uint64(due - 89 * HEALTH_DAY));
    json_object_object_add(i, "Overlap", json_object_new_uint64(HEALTH_DAY));
    return i;
}

static void test_cases(void **state)
{
    for (size_t n = 0; n < G_N_ELEMENTS(cases); n++) {
        g_autoptr(json_object) i = make_integration(n);
        g_autofree char *why = NULL;
        enum health health = health_of(i, NOW, 14 * HEALTH_DAY, 3 * HEALTH_DAY, &why);

        if (health != cases[n].expected || (why == NULL) != (cases[n].why == NULL) ||
            (why && !g_str_has_prefix(why, cases[n].why)))
            fail_msg("case %zu: %d, %s", n, health, why ? why : "-");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
