/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guards that can be taken out, to prove that a test misses them: `if (!MUTANT(name)) guard();`. A
 * build with -DMUTANT_name=1 is a mutant, which the test named in tests/unit/mutants must fail. In
 * every other build MUTANT() is the constant 0.
 */
#ifndef BASE_MUTANT_H
#define BASE_MUTANT_H

#define MUTANT(name)             MUTANT_IS_ONE(MUTANT_##name)
#define MUTANT_IS_ONE(x)         MUTANT_IS_ONE_(x)
#define MUTANT_IS_ONE_(x)        MUTANT_IS_ONE__(MUTANT_COMMA_##x)
#define MUTANT_IS_ONE__(comma)   MUTANT_SECOND(comma 1, 0, 0)
#define MUTANT_COMMA_1           0,
#define MUTANT_SECOND(a, b, ...) b

#endif
