/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each extension of the instruction set by its intrinsics, over pseudo-random numbers, for those
 * whose names (Linux's) are arguments. Where the result can be had without the extension it is
 * compared with that; every result is printed as a sum, to be the same on every machine.
 */
/* levels: v1 */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define TARGET(list) __attribute__((target(list), noinline))

enum { SIZE = 1024 };
static _Alignas(64) uint8_t in[SIZE], out[SIZE], other[SIZE];

static void refill(uint64_t seed)
{
    for (int i = 0; i < SIZE; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        in[i] = (uint8_t)(seed >> 33);
    }
    memset(out, 0, sizeof(out));
}

static uint64_t sum(const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t s = 0xcbf29ce484222325;

    for (size_t i = 0; i < n; i++)
        s = (s ^ p[i]) * 0x100000001b3;
    return s;
}

static void expect(const char *what, const void *a, const void *b, size_t n)
{
    if (memcmp(a, b, n) != 0)
        printf("WRONG: %s: %016llx, not %016llx\n", what, (unsigned long long)sum(a, n),
               (unsigned long long)sum(b, n));
}

#define LOAD(i)      _mm_load_si128((const __m128i *)in + (i))
#define STORE(i, v)  _mm_store_si128((__m128i *)out + (i), v)
#define LOAD2(i)     _mm256_load_si256((const __m256i *)in + (i))
#define STORE2(i, v) _mm256_store_si256((__m256i *)out + (i), v)

TARGET("sse3") static void do_pni(void)
{
    for (int i = 0; i < 60; i++) {
        __m128 a = _mm_cvtepi32_ps(LOAD(i)), b = _mm_cvtepi32_ps(LOAD(i + 1));
        __m128d c = _mm_cvtepi32_pd(LOAD(i)), d = _mm_cvtepi32_pd(LOAD(i + 2));

        a = _mm_addsub_ps(_mm_hadd_ps(a, b), _mm_movehdup_ps(_mm_hsub_ps(b, a)));
        c = _mm_hadd_pd(_mm_addsub_pd(c, d), _mm_hsub_pd(_mm_movedup_pd(d), c));
        STORE(i, _mm_xor_si128(_mm_castps_si128(a), _mm_castpd_si128(c)));
    }
    STORE(60, _mm_lddqu_si128((const __m128i *)(in + 3)));
}

TARGET("ssse3") static void do_ssse3(void)
{
    for (int i = 0; i < 60; i++) {
        __m128i a = LOAD(i), b = LOAD(i + 1), t = _mm_shuffle_epi8(a, b);

        for (int k = 0; k < 16; k++) {
            int at = in[16 * (i + 1) + k];

            other[k] = at & 128 ? 0 : in[16 * i + (at & 15)];
        }
        expect("PSHUFB", &t, other, 16);
        t = _mm_alignr_epi8(a, b, 5);
        memcpy(other, in + 16 * (i + 1) + 5, 11);
        memcpy(other + 11, in + 16 * i, 5);
        expect("PALIGNR", &t, other, 16);
        t = _mm_add_epi8(t, _mm_abs_epi8(a));
        t = _mm_add_epi16(t, _mm_mulhrs_epi16(a, b));
        t = _mm_xor_si128(t, _mm_maddubs_epi16(a, b));
        t = _mm_xor_si128(t, _mm_hadds_epi16(a, b));
        t = _mm_add_epi32(t, _mm_hsub_epi32(_mm_sign_epi8(a, b), _mm_sign_epi32(b, a)));
        STORE(i, _mm_xor_si128(t, _mm_shuffle_epi8(b, a)));
    }
}

TARGET("sse4.1") static void do_sse4_1(void)
{
    for (int i = 0; i < 60; i++) {
        __m128i a = LOAD(i), b = LOAD(i + 1), t = _mm_mullo_epi32(a, b);
        __m128 f = _mm_cvtepi32_ps(a), g = _mm_mul_ps(_mm_cvtepi32_ps(b), _mm_set1_ps(0x1p-20f));
        uint32_t x[4], y[4];

        memcpy(x, &a, 16);
        memcpy(y, &b, 16);
        for (int k = 0; k < 4; k++)
            x[k] *= y[k];
        expect("PMULLD", &t, x, 16);
        t = _mm_xor_si128(t, _mm_blendv_epi8(a, b, t));
        t = _mm_add_epi32(t, _mm_min_epi32(_mm_max_epu16(a, b), _mm_min_epi8(b, a)));
        t = _mm_add_epi64(t, _mm_mul_epi32(a, b));
        t = _mm_add_epi16(t, _mm_packus_epi32(a, b));
        t = _mm_xor_si128(t, _mm_cvtepi8_epi64(a));
        t = _mm_xor_si128(t, _mm_cvtepu16_epi32(b));
        t = _mm_add_epi16(t, _mm_mpsadbw_epu8(a, b, 5));
        t = _mm_add_epi16(t, _mm_minpos_epu16(b));
        t = _mm_insert_epi32(t, _mm_extract_epi8(b, 9) + _mm_testz_si128(a, b), 2);
        g = _mm_round_ps(g, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        g = _mm_add_ps(g, _mm_floor_ps(_mm_mul_ps(f, _mm_set1_ps(0x1.8p-22f))));
        f = _mm_dp_ps(_mm_blend_ps(f, g, 5), _mm_insert_ps(g, f, 0x9c), 0xb7);
        STORE(i, _mm_xor_si128(_mm_xor_si128(t, _mm_cmpeq_epi64(a, b)), _mm_castps_si128(f)));
    }
}

TARGET("sse4.2") static void do_sse4_2(void)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog, twice.";
    __m128i words = _mm_loadu_si128((const __m128i *)"aeiou\0..........");
    uint32_t crc = 0xffffffff, slow = 0xffffffff;
    uint64_t wide = 0xffffffff;

    for (int i = 0; i < SIZE; i++) {
        crc = _mm_crc32_u8(crc, in[i]);
        slow ^= in[i];
        for (int k = 0; k < 8; k++)
            slow = slow & 1 ? slow >> 1 ^ 0x82f63b78 : slow >> 1;
    }
    for (int i = 0; i < SIZE; i += 8)
        wide = _mm_crc32_u64(wide, *(const uint64_t *)(in + i));
    expect("CRC32 of bytes", &crc, &slow, 4);
    expect("CRC32 of quadwords", &wide, &slow, 4);
    for (int i = 0; i < 36; i++) {
        __m128i t = _mm_loadu_si128((const __m128i *)(text + i)), g = LOAD(i);
        int found[6] = {_mm_cmpistri(words, t, 0),
                        _mm_cmpistri(t, words, 0x44),
                        _mm_cmpestri(t, i & 15, words, 5, 0x18),
                        _mm_cmpistrc(words, t, 0x0c),
                        _mm_cmpestrs(t, 7, g, 20, 0x3a),
                        _mm_cmpistrz(t, g, 0x41)};

        memcpy(out + 16 * i, found, 16);
        g = _mm_xor_si128(_mm_cmpistrm(words, t, 0x40), _mm_cmpgt_epi64(g, t));
        STORE(i, _mm_add_epi32(LOAD(i), _mm_add_epi32(g, _mm_set1_epi32(found[4] + found[5]))));
    }
}

TARGET("popcnt,lzcnt,bmi,bmi2") static void do_bmi2(void)
{
    uint64_t *q = (uint64_t *)in, *r = (uint64_t *)out;

    for (int i = 0; i + 1 < SIZE / 8; i++) {
        uint64_t a = q[i], b = q[i + 1], deposit = 0, extract = 0;
        unsigned long long high;

        for (int k = 0, n = 0; k < 64; k++) {
            if (b >> k & 1) {
                deposit |= (a >> n & 1) << k;
                extract |= (a >> k & 1) << n++;
            }
        }
        if (_pdep_u64(a, b) != deposit || _pext_u64(a, b) != extract)
            printf("WRONG: PDEP or PEXT of %llx, %llx\n", (unsigned long long)a,
                   (unsigned long long)b);
        r[i] = _andn_u64(a, b) + _bextr_u64(a, (unsigned)b & 63, 17) + _blsi_u64(a) +
               _blsmsk_u64(b) + _blsr_u64(a) + _tzcnt_u64(a) + _lzcnt_u64(a >> (b & 63)) +
               _bzhi_u64(a, (unsigned)b & 63) + _mulx_u64(a, b, &high) + (a >> (b & 63)) +
               (a << (b & 31)) + (uint64_t)((int64_t)b >> (a & 63)) + (a >> 11 | a << 53) +
               (uint64_t)_mm_popcnt_u64(a);
        r[i] ^= high + _pdep_u32((uint32_t)a, (uint32_t)b) + _tzcnt_u32((uint32_t)b) +
                _bzhi_u32((uint32_t)b, 77);
    }
}

TARGET("adx") static void do_adx(void)
{
    unsigned long long *q = (unsigned long long *)in, *r = (unsigned long long *)out;
    unsigned char c = 0;

    for (int i = 0; i + 1 < SIZE / 8; i++) {
        asm("add $-1, %b[c]; adcx %[b], %[a]; adox %[a], %[b]; adcx %[b], %[a]; setc %b[c]; seto "
            "%h[c]; add %h[c], %b[c]"
            : [a] "+r"(q[i]), [b] "+r"(q[i + 1]), [c] "+Q"(c)
            :
            : "cc");
        r[i] = q[i] + c;
    }
}

TARGET("movbe") static void do_movbe(void)
{
    for (int i = 0; i + 8 <= SIZE; i += 8) {
        uint64_t a;
        uint32_t b;
        uint16_t c;

        asm volatile("movbe %3, %0; movbe %4, %1; movbe %5, %w2; movbe %0, %6"
                     : "=&r"(a), "=&r"(b), "=&r"(c)
                     : "m"(in[i]), "m"(in[i + 2]), "m"(in[i + 1]), "m"(out[i])
                     : "memory");
        out[i + 1] ^= (uint8_t)(b + c);
    }
}

TARGET("aes") static void do_aes(void)
{
    /* FIPS 197, appendix B: the first round of its example. */
    static const uint8_t state[16] = {0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b,
                                      0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08};
    static const uint8_t key[16] = {0xa0, 0xfa, 0xfe, 0x17, 0x88, 0x54, 0x2c, 0xb1,
                                    0x23, 0xa3, 0x39, 0x39, 0x2a, 0x6c, 0x76, 0x05};
    static const uint8_t next[16] = {0xa4, 0x9c, 0x7f, 0xf2, 0x68, 0x9f, 0x35, 0x2b,
                                     0x6b, 0x5b, 0xea, 0x43, 0x02, 0x6a, 0x50, 0x49};
    __m128i t = _mm_aesenc_si128(_mm_loadu_si128((const __m128i *)state),
                                 _mm_loadu_si128((const __m128i *)key));

    expect("AESENC", &t, next, 16);
    for (int i = 0; i < 60; i++) {
        __m128i a = LOAD(i), b = LOAD(i + 1);

        t = _mm_aesenc_si128(a, b);
        t = _mm_aesenclast_si128(t, a);
        t = _mm_aesdec_si128(t, _mm_aesimc_si128(b));
        t = _mm_aesdeclast_si128(t, _mm_aeskeygenassist_si128(a, 0x1b));
        STORE(i, t);
    }
}

TARGET("pclmul") static void do_pclmulqdq(void)
{
    for (int i = 0; i < 60; i++) {
        __m128i a = LOAD(i), b = LOAD(i + 1), t = _mm_clmulepi64_si128(a, b, 0x10);
        uint64_t x, y, want[2] = {0, 0};

        memcpy(&x, &a, 8);
        memcpy(&y, (const char *)&b + 8, 8);
        for (int k = 0; k < 64; k++) {
            if (y >> k & 1) {
                want[0] ^= x << k;
                want[1] ^= k ? x >> (64 - k) : 0;
            }
        }
        expect("PCLMULQDQ", &t, want, 16);
        STORE(i, _mm_xor_si128(t, _mm_clmulepi64_si128(a, b, 0x01)));
    }
}

TARGET("sha,sse4.1") static void do_sha_ni(void)
{
    for (int i = 0; i < 60; i++) {
        __m128i a = LOAD(i), b = LOAD(i + 1), c = LOAD(i + 2), t = _mm_sha256rnds2_epu32(a, b, c);

        t = _mm_add_epi32(_mm_sha256msg1_epu32(t, a), _mm_sha256msg2_epu32(b, c));
        t = _mm_add_epi32(t, _mm_sha1rnds4_epu32(a, b, 0));
        t = _mm_xor_si128(t, _mm_sha1rnds4_epu32(t, b, 1));
        t = _mm_add_epi32(t, _mm_sha1rnds4_epu32(c, t, 2));
        t = _mm_xor_si128(t, _mm_sha1rnds4_epu32(t, a, 3));
        t = _mm_add_epi32(t, _mm_sha1nexte_epu32(a, c));
        STORE(i, _mm_add_epi32(_mm_sha1msg1_epu32(t, b), _mm_sha1msg2_epu32(t, a)));
    }
}

TARGET("avx") static void do_avx(void)
{
    for (int i = 0; i < 30; i++) {
        __m256 a = _mm256_cvtepi32_ps(LOAD2(i)), b = _mm256_cvtepi32_ps(LOAD2(i + 1)), t;
        __m256d c = _mm256_cvtepi32_pd(LOAD(i)), d = _mm256_cvtepi32_pd(LOAD(i + 3));

        t = _mm256_hadd_ps(_mm256_mul_ps(a, b), _mm256_addsub_ps(b, a));
        t = _mm256_blendv_ps(t, _mm256_div_ps(a, b), _mm256_cmp_ps(a, b, _CMP_NGE_UQ));
        t = _mm256_permutevar_ps(t, LOAD2(i));
        t = _mm256_permute2f128_ps(t, _mm256_shuffle_ps(a, b, 0x6c), 0x21);
        t = _mm256_xor_ps(t, _mm256_unpackhi_ps(a, _mm256_sqrt_ps(_mm256_mul_ps(b, b))));
        t = _mm256_xor_ps(t, _mm256_round_ps(_mm256_mul_ps(a, _mm256_set1_ps(0x1p-21f)), 2));
        c = _mm256_add_pd(_mm256_div_pd(c, d), _mm256_permute_pd(_mm256_max_pd(c, d), 6));
        c = _mm256_xor_pd(c, _mm256_and_pd(d, _mm256_cmp_pd(c, d, _CMP_LT_OS)));
        STORE2(i, _mm256_castps_si256(_mm256_xor_ps(t, _mm256_castpd_ps(c))));
        _mm_maskstore_ps((float *)(out + 32 * i), LOAD(i), _mm256_extractf128_ps(t, 1));
        _mm256_zeroupper();
    }
}

TARGET("avx2") static void do_avx2(void)
{
    for (int i = 0; i < 30; i++) {
        __m256i a = LOAD2(i), b = LOAD2(i + 1), at = _mm256_and_si256(a, _mm256_set1_epi32(127)), t;
        int32_t want[8], x[8];

        t = _mm256_i32gather_epi32((const int *)in, at, 4);
        memcpy(x, &at, 32);
        for (int k = 0; k < 8; k++)
            memcpy(&want[k], in + 4 * x[k], 4);
        expect("VPGATHERDD", &t, want, 32);
        t = _mm256_add_epi32(t, _mm256_permutevar8x32_epi32(b, a));
        t = _mm256_xor_si256(t, _mm256_sllv_epi32(a, _mm256_and_si256(b, _mm256_set1_epi32(63))));
        t = _mm256_add_epi64(t, _mm256_srlv_epi64(a, _mm256_and_si256(b, _mm256_set1_epi64x(95))));
        t = _mm256_sub_epi32(t, _mm256_srav_epi32(b, _mm256_and_si256(a, _mm256_set1_epi32(39))));
        t = _mm256_add_epi16(t, _mm256_mulhrs_epi16(a, b));
        t = _mm256_xor_si256(t, _mm256_shuffle_epi8(b, t));
        t = _mm256_add_epi8(t, _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8));
        t = _mm256_xor_si256(t, _mm256_sad_epu8(a, b));
        t = _mm256_alignr_epi8(t, _mm256_cvtepu8_epi16(LOAD(i)), 7);
        t = _mm256_blend_epi32(t, _mm256_broadcastd_epi32(LOAD(i)), 0x5a);
        t = _mm256_i64gather_epi64((const long long *)in,
                                   _mm256_and_si256(t, _mm256_set1_epi64x(63)), 8);
        STORE2(i, _mm256_xor_si256(t, _mm256_maskload_epi32((const int *)in, b)));
    }
}

TARGET("avx2,fma") static void do_fma(void)
{
    for (int i = 0; i < 29; i++) {
        __m256 a = _mm256_cvtepi32_ps(LOAD2(i)), b = _mm256_cvtepi32_ps(LOAD2(i + 1)), c;
        __m256d d = _mm256_cvtepi32_pd(LOAD(i)), e = _mm256_cvtepi32_pd(LOAD(i + 5));

        c = _mm256_fmadd_ps(a, b, _mm256_fmsub_ps(b, b, a));
        c = _mm256_fnmadd_ps(c, a, _mm256_fmaddsub_ps(a, c, b));
        c = _mm256_fnmsub_ps(b, a, _mm256_fmsubadd_ps(c, b, a));
        d = _mm256_fnmadd_pd(d, e, _mm256_fmadd_pd(d, d, _mm256_mul_pd(e, e)));
        e = _mm256_castpd128_pd256(_mm_fmsub_sd(
            _mm256_castpd256_pd128(d), _mm256_castpd256_pd128(e), _mm256_castpd256_pd128(d)));
        STORE2(i, _mm256_xor_si256(_mm256_castps_si256(c), _mm256_castpd_si256(d)));
        _mm_store_sd((double *)(out + 32 * i), _mm256_castpd256_pd128(e));
    }
}

TARGET("avx,f16c") static void do_f16c(void)
{
    for (int i = 0; i < 60; i++) {
        __m256 wide = _mm256_cvtph_ps(LOAD(i));
        __m128i t = _mm256_cvtps_ph(_mm256_mul_ps(wide, _mm256_set1_ps(1.37f)), 1);

        STORE(i, _mm_xor_si128(t, _mm_cvtps_ph(_mm256_extractf128_ps(wide, 1), 4)));
    }
}

TARGET("avx2,vaes,vpclmulqdq") static void do_vaes(void)
{
    for (int i = 0; i < 30; i++) {
        __m256i a = LOAD2(i), b = LOAD2(i + 1), t = _mm256_aesenc_epi128(a, b);

        t = _mm256_aesdeclast_epi128(_mm256_aesdec_epi128(_mm256_aesenclast_epi128(t, a), b), a);
        STORE2(i, _mm256_xor_si256(t, _mm256_clmulepi64_epi128(a, b, 0x11)));
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } all[] = {
#define X(name) {#name, do_##name}
        X(pni), X(ssse3), X(sse4_1),    X(sse4_2), X(bmi2), X(adx),  X(movbe), X(aes),
        X(fma), X(f16c),  X(pclmulqdq), X(sha_ni), X(avx),  X(avx2), X(vaes),
#undef X
    };

    for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++) {
        for (int i = 1; i < argc; i++) {
            uint64_t s = 0;

            if (strcmp(argv[i], all[k].name) != 0)
                continue;
            for (uint64_t round = 0; round < 300; round++) {
                refill(round);
                all[k].run();
                s = s * 31 + sum(out, sizeof(out));
            }
            printf("%s %016llx\n", all[k].name, (unsigned long long)s);
        }
    }
    printf("end\n");
    return 0;
}
