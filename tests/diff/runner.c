/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See runner.h. */
#include "tests/diff/runner.h"

#include "cpu/cpu.h"
#include "tests/diff/host.h"

const char *diff_runner_init(struct diff_runner *r)
{
    const char *why = diff_host_init();

    if (why)
        return why;
    diff_guest_init(&r->guest, diff_host_has_ldt(), diff_host_xcr0());
    diff_facts_features(r->guest.machine->cpu->features);
    if (!diff_memory_init(&r->memory, r->guest.region))
        return "the addresses of the region are taken";
    diff_host_ready();
    return NULL;
}

void diff_runner_free(struct diff_runner *r)
{
    diff_memory_free(&r->memory);
    diff_guest_free(&r->guest);
}

void diff_run(struct diff_runner *r, const struct diff_case *c, struct diff_result *out)
{
    bool jump;

    out->what = out->allowed = NULL;
    diff_facts_find(&out->facts, c);
    out->excluded = diff_case_excluded(&out->facts, c);
    if (out->excluded)
        return;
    jump = out->facts.stays && !(c->in.rflags & FL_TF);
    diff_memory_poke(&r->memory, c);
    diff_host_run(&r->memory, c, &out->host, jump);
    diff_guest_run(&r->guest, c, &out->guest);
    out->what = diff_judge(&r->memory, &out->facts, c, &out->host, &out->guest, &out->allowed);
    out->address = diff_memory_differs(&r->memory);
    diff_memory_restore(&r->memory);
}
