# SPDX-License-Identifier: GPL-2.0-or-later
# The openssl command: known answers from the standards, then every digest and cipher mode over a text, there and back.
# The text is the same everywhere, and so are keys and initial values: so is the output.
cd /tmp
seq 1 20000 >text # 110 KB
key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f iv=f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff

hex() { od -An -v -tx1 | tr -d ' \n'; }
known() { # WHAT ANSWER WANTED
    if [ "$2" = "$3" ]; then echo "known: $1"; else echo "WRONG: $1 is $2, not $3"; fi
}
digest() { printf '%s' "$2" | openssl dgst "-$1" -r | cut -d' ' -f1; }
block() { printf '\000\021\042\063\104\125\146\167\210\231\252\273\314\335\356\377' | openssl enc "-aes-$1-ecb" -nopad -K "$(echo $key | cut -c "1-$(($1 / 4))")" | hex; }

known "SHA-1 (FIPS 180)" "$(digest sha1 abc)" a9993e364706816aba3e25717850c26c9cd0d89d
known "SHA-256 (FIPS 180)" "$(digest sha256 abc)" ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
known "SHA-512 (FIPS 180)" "$(digest sha512 abc)" ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
known "SHA3-256 (FIPS 202)" "$(digest sha3-256 '')" a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a
known "AES-128 (FIPS 197)" "$(block 128)" 69c4e0d86a7b0430d8cdb78070b4c55a
known "AES-192 (FIPS 197)" "$(block 192)" dda97ca4864cdfe06eaf70a0ec0d7191
known "AES-256 (FIPS 197)" "$(block 256)" 8ea2b7ca516745bfeafc49904b496089

for d in md5 sha1 sha224 sha256 sha384 sha512 sha512-256 sha3-256 sha3-512 shake256 blake2b512 blake2s256 sm3 ripemd160; do
    openssl dgst -$d -r text
done
openssl dgst -sha256 -mac hmac -macopt hexkey:$key -r text
openssl mac -cipher AES-256-CBC -macopt hexkey:$key -in text CMAC

for c in aes-128-ecb aes-128-cbc aes-192-cbc aes-256-cbc aes-128-ctr aes-256-ctr aes-256-cfb aes-128-ofb camellia-256-cbc aria-128-ctr \
    chacha20 des-ede3-cbc; do
    case $c in
    *128*) k=$(echo $key | cut -c 1-32) ;;
    *192* | des*) k=$(echo $key | cut -c 1-48) ;;
    *) k=$key ;;
    esac
    v=$iv
    case $c in des*) v=f0f1f2f3f4f5f6f7 ;; esac
    case $c in *ecb) set -- -K "$k" ;; *) set -- -K "$k" -iv $v ;; esac
    openssl enc -$c "$@" -in text -out sealed
    echo "$c $(sha256sum <sealed | cut -c 1-32) $(openssl enc -d -$c "$@" -in sealed | cmp - text && echo and back)"
done
openssl enc -aes-256-cbc -pbkdf2 -iter 500 -md sha512 -S 0102030405060708 -pass pass:penumbra -in text | sha256sum
openssl kdf -keylen 32 -kdfopt pass:penumbra -kdfopt salt:salt -kdfopt n:128 -kdfopt r:8 -kdfopt p:1 SCRYPT
openssl prime -hex FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF
rm -f text sealed
