/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -icount: time that is counted in instructions. */
#include "frontends/cli/option.h"

#include "base/error.h"
#include "base/suggest.h"

#include <string.h>

#include "base/bits.h"

static const char *const keys[] = {"shift", "sleep", "align"};

static bool set_shift(struct options *o, const char *value, GError **err)
{
    uint64_t n;

    if (!strcmp(value, "auto"))
        return error_option(err,
                            "-icount: shift=auto would follow the host's speed, and no two runs "
                            "would be the same; give a number");
    if (!option_number("-icount: shift", value, ICOUNT_MAX_SHIFT, &n, err))
        return false;
    o->machine.icount_shift = (unsigned)n;
    return true;
}

static bool opt_icount(struct options *o, const char *list, GError **err)
{
    struct option_pairs p;
    bool shift = false, on;

    if (!option_pairs(o, list, &p, err))
        return false;
    o->machine.icount_jumps = false;
    for (unsigned k = 0; k < p.n; k++) {
        const char *value = p.value[k];
        bool bare = k == 0 && !value; /* -icount 3 is shift=3 */

        if (bare || !strcmp(p.key[k], "shift")) {
            if (!set_shift(o, bare ? p.key[k] : value ? value : "", err))
                return false;
            shift = true;
        } else if (!strcmp(p.key[k], "sleep")) {
            if (!option_on_off("-icount: sleep", value, &on, err))
                return false;
            o->machine.icount_jumps = !on;
        } else if (!strcmp(p.key[k], "align")) {
            if (!option_on_off("-icount: align", value, &on, err))
                return false;
            if (on)
                return error_option(err, "-icount: align=on is not supported: the guest's time is "
                                         "not held back for the host's");
        } else {
            return suggest_error(err, "-icount parameter", p.key[k], keys, ARRAY_SIZE(keys));
        }
    }
    if (!shift)
        return error_option(err, "-icount: needs shift=N: an instruction takes 2^N nanoseconds");
    o->machine.icount = true;
    return true;
}

static const struct option options[] = {
    {"icount", "[shift=]N[,sleep=on|off][,align=off]",
     "time counts instructions, 2^N ns each, and each run is the same; docs/determinism.md",
     opt_icount},
};

const struct option_group options_icount = {options, ARRAY_SIZE(options)};
