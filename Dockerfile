# A small image with the daemon alone, as a user without rights.
#
#   docker build -t viaduct .
#   docker run --name viaduct -p 80:8080 -p 443:8443 -v /etc/viaduct:/etc/viaduct:ro viaduct
#
# The config in the image serves one page on 8080; your own stands in /etc/viaduct. Ports above 1024 inside, so that no
# capability is needed. `docker kill -s HUP viaduct` reloads, `docker stop -t 45` lets exchanges end (process.drain).

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
EXPOSE 8080 8443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["viaduct", "status"]
ENTRYPOINT ["viaduct"]
CMD ["run", "-c", "/etc/viaduct/viaduct.yaml"]
