/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of what undefined flags become; see undefined_flags.h. */
#include "tests/unit/undefined_flags.h"

#include <stddef.h>
#include <string.h>

#include "base/bits.h"
#include "cpu/x86.h"

const struct undefined_choice undefined_choices[] = {
    {"and or xor test", FL_AF, UNDEFINED_CLEAR},
    {"shl shr sar shld shrd", FL_AF, UNDEFINED_CLEAR},
    {"rol ror rcl rcr shl shr sar", FL_OF, UNDEFINED_LAST},
    {"shld shrd", FL_OF, UNDEFINED_SIGN},
    {"mul imul", FL_SF | FL_PF, UNDEFINED_RESULT},
    {"mul imul", FL_ZF | FL_AF, UNDEFINED_CLEAR},
    {"div idiv", FL_ARITH, UNDEFINED_KEPT},
    {"bt bts btr btc", FL_OF | FL_SF | FL_AF | FL_PF, UNDEFINED_KEPT},
    {"bsf bsr", FL_ARITH & ~FL_ZF, UNDEFINED_KEPT},
    {"lzcnt tzcnt", FL_OF | FL_SF | FL_AF | FL_PF, UNDEFINED_CLEAR},
    {"andn blsi blsmsk blsr bzhi", FL_PF, UNDEFINED_RESULT},
    {"andn blsi blsmsk blsr bzhi", FL_AF, UNDEFINED_CLEAR},
    {"bextr", FL_SF | FL_PF, UNDEFINED_RESULT},
    {"bextr", FL_AF, UNDEFINED_CLEAR},
    {"daa das", FL_OF, UNDEFINED_CLEAR},
    {"aaa aas", FL_SF | FL_ZF | FL_PF, UNDEFINED_RESULT},
    {"aaa aas", FL_OF, UNDEFINED_CLEAR},
    {"aam aad", FL_OF | FL_AF | FL_CF, UNDEFINED_CLEAR},
};
const unsigned undefined_choice_count = ARRAY_SIZE(undefined_choices);

/* Is the word in the list of words? */
static int names(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; (at = strstr(at, word)) != NULL; at += len) {
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return 1;
    }
    return 0;
}

const struct undefined_choice *undefined_choice_of(const char *mnemonic, uint16_t flag)
{
    for (unsigned k = 0; k < undefined_choice_count; k++) {
        if ((undefined_choices[k].flags & flag) && names(undefined_choices[k].mnemonics, mnemonic))
            return &undefined_choices[k];
    }
    return NULL;
}
