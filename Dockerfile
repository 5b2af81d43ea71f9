# A small image with the daemon alone, as a user without rights.
#
#   docker build -t viaduct .
#   docker run --rm -p 8080:8080 viaduct                             the config in the image: one page
#   docker run -d --name viaduct -p 80:80 -p 443:443 -v /etc/viaduct:/etc/viaduct:ro --stop-timeout 45 \
#     --sysctl net.ipv4.ip_unprivileged_port_start=0 --group-add "$(getent group viaduct | cut -d: -f3)" viaduct
#
# Your config listens on the ports that clients see, since a redirect to https names them; the sysctl lets a user
# without rights have them. The group is the one of the host that may read certificates' keys (root:viaduct 0640). Logs
# go to the standard streams where the config says `file: "-"`. `docker kill -s HUP viaduct` reloads; a stop lets
# exchanges end (process.drain, 30 s). A new version is a new container: `viaduct upgrade` would end the first process
# and the container with it, so that it refuses.

FROM debian:12-slim AS build
WORKDIR /source
COPY scripts/packages.txt scripts/install-packages scripts/
RUN scripts/install-packages build
COPY . .
RUN scripts/build release viaduct && DESTDIR=/staged cmake --install build/release --prefix /usr --component program

FROM debian:12-slim
COPY scripts/packages.txt scripts/install-packages /installer/scripts/
RUN /installer/scripts/install-packages run \
  && rm -rf /installer /var/lib/apt/lists/* \
  && useradd --system --user-group --home-dir /var/lib/viaduct --shell /usr/sbin/nologin viaduct \
  && install -d -o viaduct -g viaduct -m 0750 /run/viaduct /var/lib/viaduct /var/log/viaduct
COPY --from=build /staged/ /
COPY packaging/container.yaml /etc/viaduct/viaduct.yaml

USER viaduct
EXPOSE 80 443 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["viaduct", "status"]
ENTRYPOINT ["viaduct"]
CMD ["run", "-c", "/etc/viaduct/viaduct.yaml"]
