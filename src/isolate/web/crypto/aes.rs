//! AES in the four modes of the standard: GCM, CBC, CTR and key wrap.

use super::values::same;
use super::{CryptoError, Function, bytes_at, bytes_or_throw, number_at, text_at};
use aes::cipher::array::Array;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::common::InnerInit;
use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit,
    KeyInit, StreamCipher,
};
use aes::{Aes128, Aes192, Aes256};
use aes_kw::AesKw;
use boa_engine::{Context, JsArgs, JsResult, JsValue};
use ctr::{Ctr32BE, Ctr128BE, CtrCore};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

pub(super) const FUNCTIONS: &[Function] = &[("aes", 7, aes)];

const BLOCK_BYTES: usize = 16;
// GCM's usual nonce; every other length is hashed.
const NONCE_BYTES: usize = 12;
// What key wrap works on.
const HALF_BLOCK_BYTES: usize = 8;

/// One run of a mode.
struct Run {
    encrypts: bool,
    data: Vec<u8>,
    /// The nonce, the initialisation vector or the first counter; empty for key wrap.
    iv: Vec<u8>,
    /// What GCM authenticates besides the data.
    additional: Vec<u8>,
    /// Bits of GCM's tag, or of CTR's counter.
    bits: usize,
}

/// `(mode, encrypts, key, data, iv, additional, bits)`.
fn aes(_: &JsValue, arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    let mode = text_at(arguments, 0, context)?;
    let key = bytes_at(arguments, 2, context)?;
    let run = Run {
        encrypts: arguments.get_or_undefined(1).to_boolean(),
        data: bytes_at(arguments, 3, context)?,
        iv: bytes_at(arguments, 4, context)?,
        additional: bytes_at(arguments, 5, context)?,
        bits: number_at(arguments, 6, context)?,
    };
    let result = match key.len() {
        16 => Aes128::new_from_slice(&key).map(|cipher| run.mode(&mode, cipher)),
        24 => Aes192::new_from_slice(&key).map(|cipher| run.mode(&mode, cipher)),
        _ => Aes256::new_from_slice(&key).map(|cipher| run.mode(&mode, cipher)),
    };
    bytes_or_throw(result.unwrap_or(Err(CryptoError::Operation)), context)
}

/// AES with a key of any length.
trait Cipher:
    BlockCipherEncrypt<BlockSize = U16> + BlockCipherDecrypt<BlockSize = U16> + Clone
{
}
impl Cipher for Aes128 {}
impl Cipher for Aes192 {}
impl Cipher for Aes256 {}

impl Run {
    fn mode(self, mode: &str, cipher: impl Cipher) -> Result<Vec<u8>, CryptoError> {
        match mode {
            "AES-GCM" => self.gcm(cipher),
            "AES-CBC" => self.cbc(cipher),
            "AES-CTR" => self.ctr(&cipher),
            _ => self.wrap(cipher),
        }
    }

    /// Galois/counter mode, NIST SP 800-38D, with nonces and tags of every length it has.
    fn gcm(mut self, cipher: impl Cipher) -> Result<Vec<u8>, CryptoError> {
        let tag_bytes = self.bits / 8;
        let given = match self.data.len().checked_sub(tag_bytes) {
            _ if self.encrypts => Vec::new(),
            Some(start) => self.data.split_off(start),
            None => return Err(CryptoError::Operation),
        };
        let mut hash_key = Array::default();
        cipher.encrypt_block(&mut hash_key);
        let hash = GHash::new(&hash_key);
        let mut first = [0; BLOCK_BYTES];
        if let Some(nonce) = first.get_mut(..NONCE_BYTES)
            && self.iv.len() == NONCE_BYTES
        {
            nonce.copy_from_slice(&self.iv);
            first[BLOCK_BYTES - 1] = 1;
        } else {
            first = ghash(hash.clone(), &[], &self.iv);
        }
        let mut keystream = Ctr32BE::from_core(CtrCore::inner_iv_init(cipher, &first.into()));
        let mut tag = [0; BLOCK_BYTES];
        keystream.apply_keystream(&mut tag);
        if self.encrypts {
            keystream.apply_keystream(&mut self.data);
        }
        for (byte, hashed) in tag
            .iter_mut()
            .zip(ghash(hash, &self.additional, &self.data))
        {
            *byte ^= hashed;
        }
        let tag = tag.get(..tag_bytes).ok_or(CryptoError::Operation)?;
        if self.encrypts {
            self.data.extend_from_slice(tag);
            return Ok(self.data);
        }
        if !same(tag, &given) {
            return Err(CryptoError::Operation);
        }
        keystream.apply_keystream(&mut self.data);
        Ok(self.data)
    }

    /// Cipher block chaining, padded as PKCS #7 says.
    fn cbc(self, cipher: impl Cipher) -> Result<Vec<u8>, CryptoError> {
        let iv = self.block()?.into();
        if self.encrypts {
            let mode = cbc::Encryptor::inner_iv_init(cipher, &iv);
            return Ok(mode.encrypt_padded_vec::<Pkcs7>(&self.data));
        }
        let mode = cbc::Decryptor::inner_iv_init(cipher, &iv);
        mode.decrypt_padded_vec::<Pkcs7>(&self.data)
            .map_err(|_| CryptoError::Operation)
    }

    /// Counter mode: `bits` of the counter count, the rest of it stays.
    fn ctr(mut self, cipher: &impl Cipher) -> Result<Vec<u8>, CryptoError> {
        let first = u128::from_be_bytes(self.block()?);
        let spare_bits = u32::try_from(128_usize.saturating_sub(self.bits)).unwrap_or(0);
        let mask = u128::MAX.checked_shr(spare_bits).unwrap_or(0);
        let blocks = self.data.len().div_ceil(BLOCK_BYTES) as u128;
        // A counter that came round would use a part of the key's stream twice.
        if blocks > 0 && blocks - 1 > mask {
            return Err(CryptoError::Operation);
        }
        let before_wrap = mask - (first & mask) + 1;
        let split = usize::try_from(before_wrap)
            .ok()
            .and_then(|blocks| blocks.checked_mul(BLOCK_BYTES))
            .map_or(self.data.len(), |bytes| bytes.min(self.data.len()));
        let (head, rest) = self.data.split_at_mut(split);
        for (part, counter) in [(head, first), (rest, first & !mask)] {
            let iv = counter.to_be_bytes().into();
            let core = CtrCore::inner_iv_init(cipher.clone(), &iv);
            Ctr128BE::from_core(core).apply_keystream(part);
        }
        Ok(self.data)
    }

    /// Key wrap, RFC 3394.
    fn wrap(self, cipher: impl Cipher) -> Result<Vec<u8>, CryptoError> {
        let wrap = AesKw::inner_init(cipher);
        let fewest = if self.encrypts { 2 } else { 3 };
        if self.data.len() < fewest * HALF_BLOCK_BYTES {
            return Err(CryptoError::Operation);
        }
        let mut out = vec![0; self.data.len() + HALF_BLOCK_BYTES];
        let done = if self.encrypts {
            wrap.wrap_key(&self.data, &mut out)
        } else {
            wrap.unwrap_key(&self.data, &mut out)
        };
        let length = done.map_err(|_| CryptoError::Operation)?.len();
        out.truncate(length);
        Ok(out)
    }

    fn block(&self) -> Result<[u8; BLOCK_BYTES], CryptoError> {
        <[u8; BLOCK_BYTES]>::try_from(self.iv.as_slice()).map_err(|_| CryptoError::Operation)
    }
}

/// GHASH of two texts and their lengths.
fn ghash(mut hash: GHash, additional: &[u8], text: &[u8]) -> [u8; BLOCK_BYTES] {
    let bits = |bytes: &[u8]| (bytes.len() as u64).wrapping_mul(8).to_be_bytes();
    let mut lengths = [0; BLOCK_BYTES];
    let (left, right) = lengths.split_at_mut(HALF_BLOCK_BYTES);
    left.copy_from_slice(&bits(additional));
    right.copy_from_slice(&bits(text));
    hash.update_padded(additional);
    hash.update_padded(text);
    hash.update(&[lengths.into()]);
    hash.finalize().into()
}
