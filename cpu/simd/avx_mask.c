/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVX and AVX2 loads and stores of the elements that a mask selects, and gathers. An element that
 * is not selected is not accessed: no fault comes of it, not of its segment's limit either. SDM
 * volume 2, VMASKMOV, VPMASKMOV, VGATHER*, VPGATHER*.
 */
#include "cpu/simd/portable_shuffle.h"
#include "cpu/simd/vex.h"

static ALWAYS_INLINE bool selected(const union ymm *mask, unsigned size, unsigned k)
{
    return size == 4 ? mask->d[k] >> 31 : mask->q[k] >> 63;
}

/* ---- masked moves: VEX.vvvv is the mask ---- */

/* The whole operand when it can be accessed without a thought. */
static ALWAYS_INLINE void *whole(struct cpu *cpu, const struct insn *i, unsigned len, unsigned acc)
{
    if (!cpu_code64(cpu))
        return NULL;
    return tlb_hit(cpu, ea_gen(cpu, i, len, acc), len, acc);
}

/* Address of element k. Offsets wrap as the operand's own does. */
static gva_t element(struct cpu *cpu, const struct insn *i, unsigned size, unsigned k, unsigned acc)
{
    uint64_t off = ea_offset(cpu, i) + k * size;

    if (i->asz != SZ64)
        off = i->asz == SZ32 ? (uint32_t)off : (uint16_t)off;
    return seg_linear(cpu, i, i->seg, off, size, acc);
}

/* Alignment is not checked. */
static void load_each(struct cpu *cpu, const struct insn *i, unsigned size, unsigned len)
{
    const union ymm *mask = &cpu->ymm[i->vvvv];
    union ymm r = {.q = {0}};

    for (unsigned k = 0; k < len / size; k++) {
        if (selected(mask, size, k))
            mem_read_bytes(cpu, i, element(cpu, i, size, k, ACC_R), &r.b[k * size], size, ACC_R);
    }
    cpu->ymm[i->reg] = r;
}

/* Nothing is stored if any element faults. */
static void store_each(struct cpu *cpu, const struct insn *i, unsigned size, unsigned len)
{
    const union ymm *mask = &cpu->ymm[i->vvvv];
    const uint8_t *from = cpu->ymm[i->reg].b;

    for (unsigned k = 0; k < len / size; k++) {
        if (selected(mask, size, k))
            mem_probe(cpu, i, element(cpu, i, size, k, ACC_W), size, ACC_W);
    }
    for (unsigned k = 0; k < len / size; k++) {
        if (selected(mask, size, k))
            mem_write_bytes(cpu, i, element(cpu, i, size, k, ACC_W), from + k * size, size, ACC_W);
    }
}

OP256(and_wide, _mm_and_si128, _mm256_and_si256)
#ifdef HOST_AVX2
#define wide_signs_epi32(v) _mm256_srai_epi32(v, 31)
#define wide_signs_epi64(v) _mm256_cmpgt_epi64(_mm256_setzero_si256(), v)
#endif
OP256_1(signs_wide4, signs_epi32, wide_signs_epi32)
OP256_1(signs_wide8, signs_epi64, wide_signs_epi64)

#define MASKED_LOAD(name, size, signs)                                                             \
    HANDLER(name##_128)                                                                            \
    {                                                                                              \
        const __m128i *p = whole(cpu, i, 16, ACC_R);                                               \
                                                                                                   \
        if (likely(p))                                                                             \
            xmm_set_vex(cpu, i->reg,                                                               \
                        _mm_and_si128(_mm_loadu_si128(p), signs(xmm_get(cpu, i->vvvv))));          \
        else                                                                                       \
            load_each(cpu, i, size, 16);                                                           \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_256)                                                                            \
    {                                                                                              \
        const void *p = whole(cpu, i, 32, ACC_R);                                                  \
                                                                                                   \
        if (likely(p))                                                                             \
            ymm_set(cpu, i->reg,                                                                   \
                    and_wide(v256_loadu(p), signs_wide##size(ymm_get(cpu, i->vvvv))));             \
        else                                                                                       \
            load_each(cpu, i, size, 32);                                                           \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_VEX_REG(h_##name, name##_128, name##_256);
MASKED_LOAD(vpmaskmovd_ld, 4, signs_epi32)
MASKED_LOAD(vpmaskmovq_ld, 8, signs_epi64)

/* Only the host's own masked store leaves the rest to other vCPUs. */
#ifdef HOST_AVX2
#define STORE_WHOLE(len, type, store, get)                                                         \
    do {                                                                                           \
        type *p = whole(cpu, i, len, ACC_W);                                                       \
                                                                                                   \
        if (likely(p)) {                                                                           \
            store(p, get(cpu, i->vvvv), get(cpu, i->reg));                                         \
            NEXT;                                                                                  \
        }                                                                                          \
    } while (0)
#else
#define STORE_WHOLE(len, type, store, get)
#endif
#define MASKED_STORE(name, size, type, store)                                                      \
    HANDLER(name##_128)                                                                            \
    {                                                                                              \
        STORE_WHOLE(16, type, _mm_##store, xmm_get);                                               \
        store_each(cpu, i, size, 16);                                                              \
        NEXT;                                                                                      \
    }                                                                                              \
    HANDLER(name##_256)                                                                            \
    {                                                                                              \
        STORE_WHOLE(32, type, _mm256_##store, ymm_get);                                            \
        store_each(cpu, i, size, 32);                                                              \
        NEXT;                                                                                      \
    }                                                                                              \
    FAMILY_VEX_REG(h_##name, name##_128, name##_256);
MASKED_STORE(vpmaskmovd_st, 4, int, maskstore_epi32)
MASKED_STORE(vpmaskmovq_st, 8, long long, maskstore_epi64)

/* ---- gathers: VEX.vvvv is the mask, which loses an element's bits when that is done ---- */

static ALWAYS_INLINE uint64_t gather_offset(const struct cpu *cpu, const struct insn *i,
                                            unsigned index_size, unsigned k)
{
    const union ymm *index = &cpu->ymm[i->index];
    uint64_t by = index_size == 4 ? (uint64_t)(int64_t)(int32_t)index->d[k] : index->q[k];
    uint64_t off = cpu->gpr[i->base] + (by << i->scale) + (uint64_t)(int64_t)i->disp;

    return i->asz == SZ64 ? off : (uint32_t)off;
}

/* Alignment is not checked. */
static ALWAYS_INLINE void gather_element(struct cpu *cpu, const struct insn *i, gva_t va, void *to,
                                         unsigned size)
{
    const void *p = tlb_hit(cpu, va, size, ACC_R);

    if (likely(p))
        memcpy(to, p, size);
    else
        mem_read_bytes(cpu, i, va, to, size, ACC_R);
}

static ALWAYS_INLINE bool any_selected(const union ymm *mask, unsigned size, unsigned k, unsigned n)
{
    while (k < n && !selected(mask, size, k))
        k++;
    return k < n;
}

/* A fault ends it between two elements: what was done stays done, and is not done again. So does a
 * data breakpoint, since a fault of the next element would have to wait for it: false then. */
static ALWAYS_INLINE bool gather(struct cpu *cpu, const struct insn *i, unsigned index_size,
                                 unsigned size, unsigned len)
{
    union ymm *mask = &cpu->ymm[i->vvvv], *dest = &cpu->ymm[i->reg];
    uint64_t pending = cpu->pending_db;

    if (i->reg == i->vvvv || i->reg == i->index || i->vvvv == i->index)
        RAISE(EXC_UD);
    for (unsigned k = 0; k < len / size; k++) {
        if (selected(mask, size, k)) {
            uint64_t off = gather_offset(cpu, i, index_size, k);

            gather_element(cpu, i, seg_linear(cpu, i, i->seg, off, size, ACC_R), &dest->b[k * size],
                           size);
        }
        memset(&mask->b[k * size], 0, size);
        if (unlikely(cpu->pending_db != pending) && any_selected(mask, size, k + 1, len / size))
            return false;
    }
    memset(mask, 0, sizeof(*mask));
    memset(&dest->b[len], 0, sizeof(dest->b) - len);
    return true;
}

#define GATHER_LENGTH(name, index_size, size, len)                                                 \
    HANDLER(name)                                                                                  \
    {                                                                                              \
        if (unlikely(!gather(cpu, i, index_size, size, len))) {                                    \
            exec_unfinished(cpu, i);                                                               \
            LEAVE;                                                                                 \
        }                                                                                          \
        NEXT;                                                                                      \
    }
#define GATHER(name, index_size, size, len_128, len_256)                                           \
    GATHER_LENGTH(name##_128, index_size, size, len_128)                                           \
    GATHER_LENGTH(name##_256, index_size, size, len_256)                                           \
    FAMILY_VEX_REG(h_##name, name##_128, name##_256);
GATHER(vpgatherdd, 4, 4, 16, 32)
GATHER(vpgatherdq, 4, 8, 16, 32)
GATHER(vpgatherqd, 8, 4, 8, 16)
GATHER(vpgatherqq, 8, 8, 16, 32)
