/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the tests' scheduler hooks itself into the steps of a build that has them; see step.h. */
#include "base/step.h"

#ifdef PENUMBRA_STEPS
const struct step_ops *step_ops;
#endif
