/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * soft_fp.h on vectors, lane by lane, under the host's MXCSR and with its flags: what portable
 * handlers use in place of instructions.
 */
#ifndef CPU_SIMD_SOFT_SIMD_H
#define CPU_SIMD_SOFT_SIMD_H

#include "cpu/simd/simd.h"
#include "cpu/simd/soft_fp.h"

static inline struct soft_env soft_begin(void)
{
    return (struct soft_env){.mxcsr = host_mxcsr()};
}

static inline void soft_end(const struct soft_env *e)
{
    if (e->flags)
        host_set_mxcsr(host_mxcsr() | e->flags);
}

static inline bool soft_is_double(enum sse_kind kind)
{
    return kind == SSE_PD || kind == SSE_SD;
}

static inline unsigned soft_lanes(enum sse_kind kind)
{
    return kind == SSE_PS ? 4 : kind == SSE_PD ? 2 : 1;
}

static inline uint64_t soft_lane(const union xmm *v, enum sse_kind kind, unsigned n)
{
    return soft_is_double(kind) ? v->q[n] : v->d[n];
}

static inline void soft_set_lane(union xmm *v, enum sse_kind kind, unsigned n, uint64_t lane)
{
    if (soft_is_double(kind))
        v->q[n] = lane;
    else
        v->d[n] = (uint32_t)lane;
}

static inline const struct soft_format *soft_format_of(enum sse_kind kind)
{
    return soft_is_double(kind) ? &soft_double : &soft_single;
}

#endif
