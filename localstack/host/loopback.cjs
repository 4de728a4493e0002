// Keeps LocalStack's Kinesis, a Node.js program that listens on every interface and cannot be told otherwise, to this machine.
const { Server } = require("node:net");

const { listen } = Server.prototype;
Server.prototype.listen = function (port, _host, listening) {
  return listen.call(this, port, "127.0.0.1", listening);
};
