# SPDX-License-Identifier: GPL-2.0-or-later
"""What libcrypto does beyond the openssl command's reach: sealing with a tag, RSA and elliptic curves. Known answers come
from the standards named; keys are made from fixed numbers, and what would be random is only verified, not printed."""
import hashlib
import hmac
import math
import zlib

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, padding, rsa, utils, x25519, x448
from cryptography.hazmat.primitives.ciphers import Cipher, aead, algorithms, modes

TEXT = bytes(i * i >> 3 & 255 for i in range(100000))


def digest(data):
    return hashlib.sha256(data).hexdigest()[:32]


def known(what, got, want):
    print("known:" if got == want else "WRONG:", what, "" if got == want else f"{got} is not {want}")


def refused(what, error, action):
    try:
        action()
    except error:
        print("refused:", what)
    else:
        print("WRONG: not refused:", what)


def sealing():
    key, nonce = bytes(range(0x80, 0xa0)), bytes.fromhex("070000004041424344454647")
    extra = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    said = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
            b"sunscreen would be it.")
    sealed = aead.ChaCha20Poly1305(key).encrypt(nonce, said, extra)
    known("ChaCha20-Poly1305 (RFC 8439)", (sealed[:16] + sealed[-16:]).hex(),
          "d31a8d34648e60db7b86afbc53ef7ec21ae10b594f09e26a7e902ecbd0600691")
    gcm = aead.AESGCM(bytes.fromhex("feffe9928665731c6d6a8f9467308308"))
    plain = bytes.fromhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                          "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")
    sealed = gcm.encrypt(bytes.fromhex("cafebabefacedbaddecaf888"), plain,
                         bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"))
    known("AES-128-GCM (its proposal, case 4)", sealed[-16:].hex(), "5bc94fbc3221a5db94fae95ae7121a47")
    for name, cipher in (("AES-128-GCM", aead.AESGCM(key[:16])), ("AES-256-GCM", aead.AESGCM(key)),
                         ("AES-256-CCM", aead.AESCCM(key)), ("AES-192-OCB", aead.AESOCB3(key[:24])),
                         ("ChaCha20-Poly1305", aead.ChaCha20Poly1305(key))):
        for size in (0, 1, 15, 16, 33, 255, 1024, 60000):
            sealed = cipher.encrypt(nonce, TEXT[:size], extra)
            if cipher.decrypt(nonce, sealed, extra) != TEXT[:size]:
                print("WRONG:", name, size, "does not open")
        print(name, digest(sealed))
        bad = bytearray(sealed)
        bad[1000] ^= 1
        refused(name, InvalidTag, lambda: cipher.decrypt(nonce, bytes(bad), extra))
    xts = Cipher(algorithms.AES(key + key[::-1]), modes.XTS(bytes(16)))
    sealed = xts.encryptor().update(TEXT)
    print("AES-256-XTS", digest(sealed), xts.decryptor().update(sealed) == TEXT)


def rsa_key(bits, p, q):
    """A key whose primes are a hash, put so high that their product has all bits, and what is missing to the next prime."""
    p, q = ((3 << bits // 2 - 2) + (int(hashlib.sha384(word).hexdigest(), 16) | 1) + more
            for word, more in ((b"p", p), (b"q", q)))
    e = 65537
    d = pow(e, -1, math.lcm(p - 1, q - 1))
    return rsa.RSAPrivateNumbers(p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q),
                                 rsa.RSAPublicNumbers(e, p * q)).private_key()


def rsa_signatures():
    for bits, p, q in ((1024, 168, 540), (2048, 334, 150)):
        key = rsa_key(bits, p, q)
        numbers = key.private_numbers()
        signature = key.sign(TEXT, padding.PKCS1v15(), hashes.SHA256())
        n, d = numbers.public_numbers.n, numbers.d
        # The same by Python's own arithmetic.
        info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(TEXT).digest()
        padded = b"\0\1" + b"\xff" * (bits // 8 - len(info) - 3) + b"\0" + info
        known(f"RSA-{bits} signature (by hand)", int.from_bytes(signature, "big"),
              pow(int.from_bytes(padded, "big"), d, n))
        print("RSA", bits, digest(signature))
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        key.public_key().verify(key.sign(TEXT, pss, hashes.SHA256()), TEXT, pss, hashes.SHA256())
        refused("RSA-PSS", InvalidSignature, lambda: key.public_key().verify(signature, TEXT, pss, hashes.SHA256()))
        oaep = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
        known("RSA-OAEP there and back", key.decrypt(key.public_key().encrypt(b"penumbra", oaep), oaep), b"penumbra")


def curves():
    private = ec.derive_private_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1())
    known("P-256 public key (RFC 6979)", hex(private.public_key().public_numbers().x),
          "0x60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6")
    signature = utils.encode_dss_signature(0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
                                           0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8)
    private.public_key().verify(signature, b"sample", ec.ECDSA(hashes.SHA256()))
    print("known: P-256 signature (RFC 6979)")
    refused("P-256", InvalidSignature,
            lambda: private.public_key().verify(signature, b"simple", ec.ECDSA(hashes.SHA256())))
    for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1(), ec.BrainpoolP256R1()):
        one, two = (ec.derive_private_key(int(hashlib.sha512(w).hexdigest()[:60], 16), curve) for w in (b"1", b"2"))
        shared = one.exchange(ec.ECDH(), two.public_key())
        one.public_key().verify(one.sign(TEXT, ec.ECDSA(hashes.SHA384())), TEXT, ec.ECDSA(hashes.SHA384()))
        print(curve.name, digest(shared), shared == two.exchange(ec.ECDH(), one.public_key()))
    edwards = ed25519.Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    known("Ed25519 (RFC 8032)", edwards.sign(b"").hex(),
          "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595b"
          "be24655141438e7a100b")
    print("Ed448", digest(ed448.Ed448PrivateKey.from_private_bytes(bytes(range(57))).sign(TEXT)))
    alice = x25519.X25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
    bob = x25519.X25519PrivateKey.from_private_bytes(bytes(range(32)))
    print("X25519", alice.exchange(bob.public_key()).hex(),
          alice.exchange(bob.public_key()) == bob.exchange(alice.public_key()))
    one, two = (x448.X448PrivateKey.from_private_bytes(bytes(range(k, k + 56))) for k in (1, 2))
    print("X448", digest(one.exchange(two.public_key())))


def checksums():
    known("CRC-32", zlib.crc32(b"123456789"), 0xCBF43926)
    print("CRC-32", hex(zlib.crc32(TEXT)), "Adler-32", hex(zlib.adler32(TEXT)))
    for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "blake2b", "blake2s"):
        print(name, hmac.new(b"key", TEXT, name).hexdigest()[:32],
              digest(hashlib.pbkdf2_hmac(name, b"penumbra", b"salt", 50)))
    print("scrypt", digest(hashlib.scrypt(b"penumbra", salt=b"salt", n=256, r=8, p=1)))


sealing()
rsa_signatures()
curves()
checksums()
