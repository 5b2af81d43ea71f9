// SPDX-License-Identifier: Apache-2.0
// An upstream on node:http, whose parser is llhttp, that says on standard output what it has read: a line with its port
// first, then a JSON line a request or error. Text is latin-1, so that every byte is a character of its own.
'use strict';
const crypto = require('crypto');
const http = require('http');

let connections = 0;

function report(what) {
  process.stdout.write(JSON.stringify(what) + '\n');
}

const server = http.createServer({maxHeaderSize: 1 << 17, keepAliveTimeout: 120000}, (request, response) => {
  const hash = crypto.createHash('sha256');
  request.on('data', (piece) => hash.update(piece));
  request.on('end', () => {
    request.socket.requests += 1;
    report({method: request.method, target: request.url, body: hash.digest('hex'), host: request.headers.host,
            connection: request.socket.number, number: request.socket.requests});
    response.end('ok');
  });
});
server.on('connection', (socket) => {
  connections += 1;
  socket.number = connections;
  socket.requests = 0;
});
server.on('clientError', (error, socket) => {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  report({error: error.code, connection: socket.number});
  socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
});
server.listen(0, '127.0.0.1', () => report({port: server.address().port}));
