#!/usr/bin/env bash
# packaging/package.sh PROGRAM LAUNCHER OUT_DIR: makes maru_VERSION_ARCH.deb of two programs. dpkg-deb is
# all it needs. Depends are the packages that own the libraries the programs are linked with, as found
# on the machine that builds.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
program=$1 launcher=$2 out=$3
version=$("$program" --version | cut -d' ' -f2)
arch=$(dpkg --print-architecture)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 0755 "$tree"

install -D -m 0755 "$program" "$tree/usr/lib/maru/maru"
install -D -m 0755 "$launcher" "$tree/usr/lib/maru/maru-launch"
if [ -z "${MARU_KEEP_SYMBOLS:-}" ] && command -v strip >/dev/null; then
    strip --strip-unneeded "$tree/usr/lib/maru/maru" "$tree/usr/lib/maru/maru-launch"
fi
install -D -m 0755 "$here/debian/maru" "$tree/usr/bin/maru"
install -D -m 0644 "$here/maru.service" "$tree/lib/systemd/system/maru.service"
for language in en ko; do
    for page in "$here/../docs/user/$language"/*.md; do
        install -D -m 0644 "$page" "$tree/usr/share/doc/maru/$language/$(basename "$page")"
    done
done
for script in postinst prerm postrm; do
    install -D -m 0755 "$here/debian/$script" "$tree/DEBIAN/$script"
done

# Only what the programs name themselves; what those need is their own packages' business. dpkg knows a
# library by the path it shipped, with or without /usr, and is asked once: it reads all its lists each time.
needed=$(readelf -d "$program" "$launcher" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u)
mapfile -t libraries < <(ldd "$program" "$launcher" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | sort -u |
    while read -r name library; do
        grep -qxF "$name" <<<"$needed" || continue
        library=$(readlink -f "$library")
        printf '%s\n%s\n' "$library" "${library#/usr}"
    done)
depends=$({ dpkg -S "${libraries[@]}" 2>/dev/null || true; } | cut -d: -f1 | sort -u | paste -sd, | sed 's/,/, /g')
size=$(du -sk "$tree" | cut -f1)
cat > "$tree/DEBIAN/control" <<CONTROL
Package: maru
Version: $version
Architecture: $arch
Maintainer: Maru <maru@localhost>
Installed-Size: $size
Depends: ${depends}, tzdata, passwd, util-linux
Recommends: ca-certificates, libpangocairo-1.0-0, fonts-nanum
Section: misc
Priority: optional
Description: a small factory's machines as data it can trust
 Collects from the machines of a factory, checks and keeps every value, and
 shows the floor as it is now. One program and one folder; no account
 elsewhere, no database to set up, no internet.
CONTROL
mkdir -p "$out"
# One with symbols is for trying, not for giving away: packed fast.
dpkg-deb ${MARU_KEEP_SYMBOLS:+-Zgzip -z1} --root-owner-group --build "$tree" "$out/maru_${version}_${arch}.deb" >&2
echo "$out/maru_${version}_${arch}.deb"
