/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* simulation [--seed N] [--rotations N] [--until-stopped] [--verbose] [--mutation NAME]: one universe a seed,
 * until so many rotations have ended. A failure prints the seed that repeats it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/simulation/simulation.h"

struct total {
    uint64_t universes, rotations, steps, crashes, keys, swaps, swaps_back, strays,
        entered[ROTATION_HELD + 1];
};

static void add(struct total *total, const struct simulation *s)
{
    total->universes++;
    total->rotations += s->rotations;
    total->steps += s->steps;
    total->crashes += s->crashes;
    total->keys += s->serials;
    total->swaps += s->swaps;
    total->swaps_back += s->swaps_back;
    total->strays += s->strays;
    for (size_t i = 0; i < G_N_ELEMENTS(s->entered); i++)
        total->entered[i] += s->entered[i];
}

/* True: it held. */
static bool run_one(uint64_t seed, bool verbose, struct total *total)
{
    struct simulation *s = simulation_new(seed, verbose);
    bool held = simulation_run(s);

    if (!held)
        printf("%sto repeat it: simulation --seed %" G_GUINT64_FORMAT " --rotations 1 --verbose\n",
               s->failure, seed);
    add(total, s);
    simulation_free(s);
    return held;
}

static void print_total(const struct total *total)
{
    printf("%" G_GUINT64_FORMAT " rotations in %" G_GUINT64_FORMAT " universes held: %" G_GUINT64_FORMAT
           " keys, %" G_GUINT64_FORMAT " swaps, %" G_GUINT64_FORMAT " swaps back, %" G_GUINT64_FORMAT
           " strays, %" G_GUINT64_FORMAT " crashes, %" G_GUINT64_FORMAT " steps\n",
           total->rotations, total->universes, total->keys, total->swaps, total->swaps_back, total->strays,
           total->crashes, total->steps);
    for (enum rotation_state state = ROTATION_CREATING; state <= ROTATION_HELD; state++)
        printf("  %-18s %" G_GUINT64_FORMAT "\n", rotation_state_name(state), total->entered[state]);
    fflush(stdout);
}

/* The same program, built with one line of the real code changed. */
static int run_mutant(const char *self, const char *name, char **argv)
{
    g_autofree char *directory = g_path_get_dirname(self);
    g_autofree char *path = g_strdup_printf("%s/simulation-%s", directory, name);

    execv(path, argv);
    fprintf(stderr, "simulation: there is no mutation %s: see tests/simulation/mutations.py\n", name);
    return 2;
}

int main(int argc, char **argv)
{
    int64_t seed = 1, rotations = 1000;
    gboolean endless = FALSE, verbose = FALSE;
    g_autofree char *mutation = NULL;
    const GOptionEntry entries[] = {
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Seed of the first universe", "N"},
        {"rotations", 0, 0, G_OPTION_ARG_INT64, &rotations, "End once so many rotations have ended", "N"},
        {"until-stopped", 0, 0, G_OPTION_ARG_NONE, &endless, "Never end", NULL},
        {"verbose", 0, 0, G_OPTION_ARG_NONE, &verbose, "Print every event", NULL},
        {"mutation", 0, 0, G_OPTION_ARG_STRING, &mutation, "Run with this line of the code changed", "NAME"},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) arguments = g_strdupv(argv);
    struct total total = {0};

    g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_set_summary(
        context, "A long run: simulation --seed $RANDOM --until-stopped; it ends at the first "
                 "failure, with the seed that repeats it.");
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "simulation: %s\n", error->message);
        return 2;
    }
    if (mutation != NULL)
        return run_mutant(argv[0], mutation, (char *[]){arguments[0], NULL});
    for (uint64_t done = 0; endless || total.rotations < (uint64_t)rotations; done++) {
        if (!run_one((uint64_t)seed + done, verbose, &total))
            return 1;
        if (endless && done % 100 == 99)
            print_total(&total);
    }
    print_total(&total);
    return 0;
}
