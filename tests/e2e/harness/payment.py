# SPDX-License-Identifier: Apache-2.0
"""What a merchant's server does with notices: verifies signatures over what it received, and decrypts."""
import base64
import binascii
import hashlib
import hmac
import json
import re
import struct
from pathlib import Path
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VECTORS = json.loads((Path(__file__).parents[1] / "data/callback_vectors.json").read_text(encoding="utf-8"))


def rsa_verifies(public_key, signature_base64, message):
    try:
        public_key.verify(base64.b64decode(signature_base64, validate=True), message, padding.PKCS1v15(),
                          hashes.SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def v3_key(serial):
    """The platform's public key by Wechatpay-Serial, None for an unknown one."""
    vector = VECTORS["wechat_pay_v3"]
    if serial == vector["headers"]["Wechatpay-Serial"]:
        return x509.load_pem_x509_certificate(vector["cert_pem"].encode()).public_key()
    return None


def v3_verifies(headers, body, key=None):
    """WeChat Pay v3: RSA over timestamp, nonce and the received body. `headers` has lower-case names."""
    key = key or v3_key(headers.get("wechatpay-serial"))
    message = b"\n".join([headers["wechatpay-timestamp"].encode(), headers["wechatpay-nonce"].encode(), body, b""])
    return key is not None and rsa_verifies(key, headers["wechatpay-signature"], message)


def v3_decrypt(body, api_key):
    resource = json.loads(body)["resource"]
    return AESGCM(api_key.encode()).decrypt(resource["nonce"].encode(), base64.b64decode(resource["ciphertext"]),
                                            resource["associated_data"].encode()).decode()


def xml_fields(body):
    """The children of <xml> as a dict. A pattern is enough for notices, and entities stay unexpanded."""
    pattern = r"<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))</\1>"
    inner = re.sub(r"^\s*<xml>|</xml>\s*$", "", body.decode("utf-8"))
    return {name: cdata or plain for name, cdata, plain in re.findall(pattern, inner, re.S)}


def v2_sign(fields, key):
    """WeChat Pay v2: MD5, or HMAC-SHA256 when sign_type says so, over the sorted non-empty fields."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name != "sign" and fields[name])
    text = f"{text}&key={key}".encode()
    if fields.get("sign_type") == "HMAC-SHA256":
        return hmac.new(key.encode(), text, hashlib.sha256).hexdigest().upper()
    return hashlib.md5(text).hexdigest().upper()


def v2_verifies(body, key):
    """Tries both digests, as a notice may be signed by HMAC-SHA256 without saying so."""
    fields = xml_fields(body)
    signed = {name: value for name, value in fields.items() if name != "sign"}
    text = ("&".join(f"{name}={signed[name]}" for name in sorted(signed) if signed[name]) + f"&key={key}").encode()
    digests = [hashlib.md5(text), hmac.new(key.encode(), text, hashlib.sha256)]
    return fields.get("sign") in [digest.hexdigest().upper() for digest in digests]


def v2_refund_decrypt(req_info, api_key):
    key = hashlib.md5(api_key.encode()).hexdigest().encode()
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()
    plain = decryptor.update(base64.b64decode(req_info)) + decryptor.finalize()
    return plain[:-plain[-1]].decode("utf-8")


def alipay_key(vector):
    if "public_key_pem" in vector:
        return serialization.load_pem_public_key(vector["public_key_pem"].encode())
    return serialization.load_der_public_key(base64.b64decode(vector["public_key_b64der"]))


def alipay_verifies(body):
    """Alipay RSA2: over the URL-decoded values. Service-market notices keep sign_type in the signed text."""
    fields = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True))
    service = fields.get("notify_type") == "servicemarket_order_notify"
    vector = VECTORS["alipay_service_market" if service else "alipay_trade"]
    left_out = {"sign"} if service else {"sign", "sign_type"}
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in left_out)
    return rsa_verifies(alipay_key(vector), fields["sign"], text.encode("utf-8"))


def sorted_sha1(*parts):
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def push_decrypt(encrypt, encoding_aes_key):
    """Official Account secure mode: returns (message, app id)."""
    key = base64.b64decode(encoding_aes_key + "=")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    plain = decryptor.update(base64.b64decode(encrypt)) + decryptor.finalize()
    plain = plain[:-plain[-1]]
    length = struct.unpack(">I", plain[16:20])[0]
    return plain[20:20 + length].decode(), plain[20 + length:].decode()


def push_vector(query):
    """The account that a push is for, by its nonce and timestamp; None for an unknown one."""
    for name in ("official_account_secure_push", "official_account_secure_push_easywechat"):
        vector = VECTORS[name]
        if (query.get("timestamp"), query.get("nonce")) == (vector["timestamp"], vector["nonce"]):
            return vector
    return None


def encrypt_of(body):
    """The Encrypt member of a secure push, JSON or XML."""
    if body.lstrip().startswith(b"{"):
        return json.loads(body)["Encrypt"]
    return xml_fields(body)["Encrypt"]


def push_verifies(query, body):
    """Checks msg_signature and that the message decrypts to what the platform meant."""
    vector, encrypt = push_vector(query), encrypt_of(body)
    if vector is None:
        return False
    if sorted_sha1(vector["token"], query["timestamp"], query["nonce"], encrypt) != query.get("msg_signature"):
        return False
    return push_decrypt(encrypt, vector["encoding_aes_key"]) == (vector["plaintext"], vector["appid"])


def server_check_verifies(query):
    """Official Account server check: signature over token, timestamp and nonce."""
    tokens = [VECTORS[name]["token"] for name in ("official_account_check", "official_account_check_wechatpy")]
    return any(sorted_sha1(token, query["timestamp"], query["nonce"]) == query.get("signature") for token in tokens)
