/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -lint: strict mode; see docs/lint.md. */
#include "frontends/cli/option.h"

#include <string.h>

#include "base/bits.h"
#include "base/lint_control.h"

static bool opt_lint(struct options *o, const char *value, GError **err)
{
    if (value && !strcmp(value, "help")) {
        o->help_text = option_own(o, lint_help());
        return true;
    }
    return lint_configure(value, err);
}

static const struct option options[] = {
    {"lint", "[RULE,...][,no-RULE][,file=F][,limit=N]",
     "report what real hardware would punish; -lint help lists the rules", opt_lint},
};

const struct option_group options_lint = {options, ARRAY_SIZE(options)};
