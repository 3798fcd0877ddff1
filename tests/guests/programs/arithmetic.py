# SPDX-License-Identifier: GPL-2.0-or-later
"""Arithmetic by Python: whole numbers of any length, decimals, floats to text and back, fractions, packed bytes. What can
be known otherwise is checked here; the rest is printed, to be the same on every machine."""
import cmath
import decimal
import fractions
import hashlib
import math
import random
import struct


def digest(items):
    return hashlib.sha256("\n".join(map(str, items)).encode()).hexdigest()[:24]


def check(what, good):
    print(what, "ok" if good else "WRONG")


def arctan(one, inverse):
    total = term = one // inverse
    n, sign = 3, -1
    while term:
        term //= inverse * inverse
        total += sign * (term // n)
        sign, n = -sign, n + 2
    return total


def machin(digits):
    """Pi by Machin's formula, in whole numbers."""
    one = 10 ** (digits + 10)
    return 4 * (4 * arctan(one, 5) - arctan(one, 239)) // 10 ** 10


def whole():
    rng = random.Random(4)
    a, b = rng.getrandbits(6000), rng.getrandbits(2500) | 1
    q, r = divmod(a, b)
    check("division", q * b + r == a and r < b)
    check("root", math.isqrt(a) ** 2 <= a < (math.isqrt(a) + 1) ** 2)
    p = 2 ** 521 - 1
    check("fermat", pow(3, p - 1, p) == 1)
    check("inverse", pow(b, -1, p) * b % p == 1)
    check("gcd", math.gcd(a * b, b * p) % b == 0)
    check("text", int(str(a)) == a and int(hex(b), 16) == b)
    print("factorial", digest([math.factorial(700)]), "product", digest([hex(a * b), hex(a ** 3)]), "comb", math.comb(200, 77))
    pi = str(machin(500))
    check("pi", pi.startswith("31415926535897932384626433832795028841971693993751"))
    print("pi", digest([pi]))


def decimals():
    ctx = decimal.getcontext()
    ctx.prec = 120
    two = decimal.Decimal(2)
    print("sqrt2", two.sqrt())
    print("e", decimal.Decimal(1).exp(), "ln10", decimal.Decimal(10).ln())
    check("exp and ln", abs(two.ln().exp() - two) < decimal.Decimal(10) ** -115)
    results = []
    for mode in (decimal.ROUND_CEILING, decimal.ROUND_FLOOR, decimal.ROUND_HALF_EVEN, decimal.ROUND_05UP):
        with decimal.localcontext() as local:
            local.prec, local.rounding = 17, mode
            x = decimal.Decimal("0.1")
            for i in range(1, 300):
                x = x * 3 / i + decimal.Decimal(i) ** decimal.Decimal("0.5")
            results.append(x)
    print("rounding", *results)
    ctx.prec = 3000
    a, b = decimal.Decimal(7) / 11 ** 9, decimal.Decimal(3) ** 4000
    print("long", digest([a * b, b / a]))


def floats():
    rng = random.Random(7)
    texts, wrong = [], 0
    for _ in range(4000):
        bits = rng.getrandbits(64)
        x = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
        if math.isnan(x) or math.isinf(x):
            continue
        texts.append(repr(x))
        wrong += float(repr(x)) != x or float.fromhex(x.hex()) != x or float("%.17g" % x) != x
    print("repr", digest(texts), texts[:6], "wrong", wrong)
    known = {"5e-324": 1, "2.2250738585072014e-308": 1 << 52, "1.7976931348623157e+308": 0x7fefffffffffffff,
             "0.1": 0x3fb999999999999a, "9007199254740993": 0x4340000000000000, "1e23": 0x44b52d02c7e14af6,
             "2.2250738585072011e-308": 0x000fffffffffffff}
    check("known", all(struct.pack(">d", float(t)) == v.to_bytes(8, "big") for t, v in known.items()))
    results = []
    for name in ("sin cos tan exp log sqrt atan asinh erf gamma cbrt expm1 log2".split()):
        f = getattr(math, name)
        for i in range(1, 120):
            results.append(f(i * 0.37).hex())
    print("math", digest(results))
    print("sum", math.fsum([0.1] * 1000).hex(), sum([0.1] * 1000).hex(), math.dist((1, 2, 3), (4.5, -6, 7)).hex())
    print("complex", cmath.sqrt(-3 + 4j), cmath.exp(1j * math.pi / 3), (1.5 - 2j) ** 5, cmath.log(-1 - 1e-300j))
    print("modulo", -7.5 % 2, math.fmod(-7.5, 2), divmod(1e17, 3.7), round(2.675, 2), round(-0.5), int(-1e300) % 1009)
    halves = [struct.pack("<e", math.ldexp(rng.random(), rng.randrange(-26, 16))) for _ in range(500)]
    print("half", digest([h.hex() for h in halves]), digest([struct.unpack("<e", h) for h in halves]))
    print("single", digest([struct.pack("<f", rng.gauss(0, 1e5)).hex() for _ in range(500)]))


def fractional():
    total = sum(fractions.Fraction(1, i) for i in range(1, 150))
    print("harmonic", digest([total]), float(total).hex())
    print("pi as", fractions.Fraction(math.pi).limit_denominator(10 ** 6), (0.1).as_integer_ratio())


whole()
decimals()
floats()
fractional()
