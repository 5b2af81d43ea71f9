# SPDX-License-Identifier: Apache-2.0
"""The application behind the proxy, as users have it: FastAPI with CORSMiddleware, payment notices, uploads, pages.

One process serves several sockets; each has a name (`app`, `web`), which every answer shows in X-Upstream-Name.
"""
import asyncio
import hashlib
from collections import Counter

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from . import payment
from .notices import V2_KEY, XML_SUCCESS
from .pattern import pattern_pieces
from .scene import ALIPAY_PATH, REFUND_PATH, V2_PATH, V3_PATH, VERIFY_PATH

ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
api = FastAPI()
api.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])


def json_bytes(text, status):
    return Response(text.encode("utf-8"), status_code=status, media_type="application/json")


# What a test may ask for in place of the usual answer to a genuine notice, by X-Test-Reply.
REPLIES = {
    "200-empty": lambda: Response(b"", status_code=200),
    "204": lambda: Response(status_code=204),
    "200-gbk": lambda: Response("成功".encode("gbk"), media_type="text/plain; charset=gbk"),
    "401": lambda: json_bytes('{"code":"FAIL","message":"签名错误"}', 401),
    "500": lambda: json_bytes('{"code":"FAIL","message":"失败"}', 500),
    "302": lambda: Response(b"moved", status_code=302, headers={"Location": "/elsewhere?a=%E6%94%AF"}),
}


def reply(request, ok, success, failure):
    asked = request.headers.get("x-test-reply")
    if ok and asked:
        return REPLIES[asked]()
    return success if ok else failure


@api.post(V3_PATH)
async def notify_v3(request: Request):
    ok = payment.v3_verifies(request.headers, await request.body())
    return reply(request, ok, json_bytes('{"code":"SUCCESS","message":"成功"}', 200),
                 json_bytes('{"code":"FAIL","message":"签名错误"}', 401))


@api.post(V2_PATH)
async def notify_v2(request: Request):
    ok = payment.v2_verifies(await request.body(), V2_KEY)
    failure = b"<xml><return_code><![CDATA[FAIL]]></return_code></xml>"
    return reply(request, ok, Response(XML_SUCCESS, media_type="text/xml"), Response(failure, media_type="text/xml"))


@api.post(REFUND_PATH)
async def notify_refund(request: Request):
    vector = payment.VECTORS["wechat_pay_v2_refund"]
    fields = payment.xml_fields(await request.body())
    ok = payment.v2_refund_decrypt(fields["req_info"], vector["api_key"]) == vector["plaintext"]
    return reply(request, ok, Response(XML_SUCCESS, media_type="text/xml"), Response(b"refund?", status_code=401))


@api.post(ALIPAY_PATH)
async def notify_alipay(request: Request):
    ok = payment.alipay_verifies(await request.body())
    return reply(request, ok, PlainTextResponse("success"), PlainTextResponse("failure"))


@api.get(VERIFY_PATH)
async def server_check(request: Request):
    ok = payment.server_check_verifies(request.query_params)
    return PlainTextResponse(request.query_params["echostr"] if ok else "wrong signature", 200 if ok else 403)


@api.post(VERIFY_PATH)
async def push(request: Request):
    ok = payment.push_verifies(request.query_params, await request.body())
    return reply(request, ok, PlainTextResponse("success"), PlainTextResponse("wrong signature", 403))


@api.api_route("/api/v1/echo{rest:path}", methods=ALL_METHODS)
async def echo(request: Request, rest: str):
    """What arrived: the raw path, the query, and the fields in order (the server lowers their names)."""
    body = await request.body()
    return {"method": request.method, "raw_path": request.scope["raw_path"].decode("latin-1"),
            "query": request.scope["query_string"].decode("latin-1"), "http_version": request.scope["http_version"],
            "fields": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw],
            "length": len(body), "sha256": hashlib.sha256(body).hexdigest()}


@api.api_route("/api/v1/upload", methods=["POST", "PUT"])
async def upload(request: Request):
    """Hashes a body as it streams in."""
    digest, length = hashlib.sha256(), 0
    async for piece in request.stream():
        digest.update(piece)
        length += len(piece)
    return {"sha256": digest.hexdigest(), "length": length, "content_length": request.headers.get("content-length"),
            "transfer_encoding": request.headers.get("transfer-encoding")}


@api.get("/api/v1/download")
async def download(size: int, chunked: bool = False):
    """`size` bytes of the pattern, with Content-Length or chunked."""
    headers = {} if chunked else {"Content-Length": str(size)}
    return StreamingResponse(pattern_pieces(size), media_type="application/octet-stream", headers=headers)


@api.api_route("/api/v1/status/{code}", methods=ALL_METHODS)
async def status(code: int):
    if code in (204, 304):
        return Response(status_code=code)
    return JSONResponse({"code": code, "message": "from the application"}, status_code=code)


# How often each body came to /api/v1/count/.
COUNTED = Counter()


@api.post("/api/v1/count/{rest}")
async def count(request: Request, rest: str):
    COUNTED[(await request.body()).decode()] += 1
    return PlainTextResponse("success")


@api.get("/api/v1/count")
async def counted():
    return COUNTED


@api.get("/api/v1/slow")
async def slow(seconds: float):
    await asyncio.sleep(seconds)
    return PlainTextResponse(f"slept {seconds}")


@api.post("/api/v1/login")
async def login():
    response = JSONResponse({"logged": "in"})
    response.set_cookie("session", "s3ss10n-c00k1e", secure=True, httponly=True, samesite="none")
    return response


@api.api_route("/{rest:path}", methods=ALL_METHODS)
async def anything(rest: str):
    return PlainTextResponse("not here", 404)


class Named:
    """Adds to every answer which socket took the request. `names` is a dict port → name."""

    def __init__(self, application, names):
        self.application, self.names = application, names

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        name = self.names.get(scope["server"][1], "?").encode()

        async def send_named(message):
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-upstream-name", name)]
            await send(message)

        await self.application(scope, receive, send_named)
