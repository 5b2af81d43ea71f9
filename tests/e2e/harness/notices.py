# SPDX-License-Identifier: Apache-2.0
"""The platforms' notices as requests: the header fields they really send, and the published bodies."""
from dataclasses import dataclass, replace
from urllib.parse import quote_plus, urlencode

from .client import HOST
from .payment import VECTORS, v2_sign
from .scene import ALIPAY_PATH, REFUND_PATH, V2_PATH, V3_PATH, VERIFY_PATH

V2_KEY = VECTORS["wechat_pay_v2_sign"]["key"]
# What the senders put before their own fields, in this order and spelling.
SENDER = (("User-Agent", "Mozilla/4.0"), ("Accept", "*/*"), ("Cache-Control", "no-cache"), ("Pragma", "no-cache"))


@dataclass(frozen=True)
class Notice:
    name: str
    method: str
    target: str
    fields: tuple
    body: bytes | None
    expected_status: int
    expected_body: bytes

    def raw(self, version="HTTP/1.1", host=HOST, connection=()):
        """The request as bytes; `connection` are the values of Connection fields."""
        lines = [f"{self.method} {self.target} {version}"]
        lines += [f"{name}: {value}" for name, value in self.sent_fields(host, connection)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (self.body or b"")

    def sent_fields(self, host=HOST, connection=()):
        fields = [("Host", host)] if host else []
        fields += [*SENDER, *self.fields, *(("Connection", value) for value in connection)]
        if self.body is not None:
            fields.append(("Content-Length", str(len(self.body))))
        return fields

    def with_field(self, name, value):
        return replace(self, fields=(*self.fields, (name, value)))


def v3_notice():
    vector = VECTORS["wechat_pay_v3"]
    fields = (*vector["headers"].items(), ("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048"),
              ("Request-ID", "0815-4711-b1a2"))
    return Notice("wechat_pay_v3", "POST", V3_PATH, fields, vector["body"].encode(), 200,
                  '{"code":"SUCCESS","message":"成功"}'.encode())


def signtest_notice():
    """The same notice with the signature that WeChat Pay makes wrong on purpose."""
    vector = VECTORS["wechat_pay_v3_signtest"]
    changed = {"Wechatpay-Signature": vector["signature"], "Wechatpay-Timestamp": vector["timestamp"],
               "Wechatpay-Nonce": vector["nonce"], "Wechatpay-Serial": vector["serial"]}
    genuine = v3_notice()
    fields = tuple((name, changed.get(name, value)) for name, value in genuine.fields)
    return replace(genuine, name="wechat_pay_v3_signtest", fields=fields, expected_status=401,
                   expected_body='{"code":"FAIL","message":"签名错误"}'.encode())


def xml(fields):
    lines = "".join(f"<{name}><![CDATA[{value}]]></{name}>\n" for name, value in fields)
    return f"<xml>\n{lines}</xml>".encode()


XML_SUCCESS = (b"<xml><return_code><![CDATA[SUCCESS]]></return_code>"
               b"<return_msg><![CDATA[OK]]></return_msg></xml>")


def v2_notice(digest):
    """`digest` is md5 or hmac_sha256. The fields are those of the documentation's example, not in the signed order."""
    vector = VECTORS["wechat_pay_v2_sign"]
    fields = dict(pair.split("=") for pair in vector["string"].split("&"))
    order = [("nonce_str", fields["nonce_str"]), ("sign", vector[digest]), ("appid", fields["appid"]),
             ("mch_id", fields["mch_id"]), ("device_info", fields["device_info"]), ("body", fields["body"])]
    return Notice(f"wechat_pay_v2_{digest}", "POST", V2_PATH, (("Content-Type", "text/xml"),), xml(order), 200,
                  XML_SUCCESS)


def v2_payment_notice():
    """A whole payment notice with Chinese text, signed here."""
    fields = {"appid": "wxd930ea5d5a258f4f", "attach": "相册&会员", "bank_type": "CFT", "fee_type": "CNY",
              "mch_id": "10000100", "nonce_str": "5d2b6c2a8db53831f7eda20af46e531c",
              "openid": "oUpF8uMEb4qRXf22hE3X68TekukE",
              "out_trade_no": "1409811653", "result_code": "SUCCESS", "return_code": "SUCCESS",
              "sign_type": "HMAC-SHA256", "time_end": "20140903131540", "total_fee": "1", "trade_type": "JSAPI",
              "transaction_id": "1004400740201409030005092168"}
    order = [*fields.items(), ("sign", v2_sign(fields, V2_KEY))]
    return Notice("wechat_pay_v2_payment", "POST", V2_PATH, (("Content-Type", "text/xml"),), xml(order), 200,
                  XML_SUCCESS)


def refund_notice():
    vector = VECTORS["wechat_pay_v2_refund"]
    fields = [("return_code", "SUCCESS"), ("appid", "wxd930ea5d5a258f4f"), ("mch_id", "10000100"),
              ("nonce_str", "TeqClE3i0mvn3DrK"), ("req_info", vector["req_info"])]
    return Notice("wechat_pay_v2_refund", "POST", REFUND_PATH, (("Content-Type", "text/xml"),), xml(fields), 200,
                  XML_SUCCESS)


def alipay_notice(name):
    vector = VECTORS[name]
    form = vector.get("form") or urlencode(vector["params"], quote_via=quote_plus)
    fields = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),)
    return Notice(name, "POST", ALIPAY_PATH, fields, form.encode("ascii"), 200, b"success")


def check_notice():
    """The server check: a GET whose echostr must come back without another byte."""
    vector = VECTORS["official_account_check"]
    query = "&".join(f"{name}={vector[name]}" for name in ("signature", "echostr", "timestamp", "nonce"))
    return Notice("official_account_check", "GET", f"{VERIFY_PATH}?{query}", (), None, 200,
                  vector["expected_reply"].encode())


def secure_push_notice(name, as_json):
    vector = VECTORS[name]
    query = f"signature={vector.get('signature', 'x')}&timestamp={vector['timestamp']}&nonce={vector['nonce']}"
    query += f"&openid=o9AgO5Kd5ggOC-bXrbNODIiE3bGY&encrypt_type=aes&msg_signature={vector['msg_signature']}"
    if as_json:
        body = f'{{"ToUserName":"gh_97417a04a28d","Encrypt":"{vector["encrypt"]}"}}'.encode()
    else:
        body = xml([("ToUserName", "gh_97417a04a28d"), ("Encrypt", vector["encrypt"])])
    return Notice(name, "POST", f"{VERIFY_PATH}?{query}", (("Content-Type", "text/xml"),), body, 200, b"success")


GENUINE = [v3_notice(), v2_notice("md5"), v2_notice("hmac_sha256"), v2_payment_notice(), refund_notice(),
           alipay_notice("alipay_trade"), alipay_notice("alipay_service_market"), check_notice(),
           secure_push_notice("official_account_secure_push", as_json=True),
           secure_push_notice("official_account_secure_push_easywechat", as_json=False)]
SIGNTEST = signtest_notice()
ALL = [*GENUINE, SIGNTEST]


def by_name(notice):
    return notice.name
