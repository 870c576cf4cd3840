#!/usr/bin/python3
"""Writes a container image, without docker: `./dev image`.

  image.py --bin FOLDER --out FOLDER

The archive is what `docker save` writes since Docker 25: an OCI layout that is a docker-archive as well, so that `docker load`,
`podman load`, skopeo and containerd take it. Why not by a tool: buildah and umoci put the time of the build into it, and of the two
formats that they know OCI's has no health check. The same programs and libraries give the same bytes, whenever and wherever they
are packed.
"""
import argparse
import datetime
import hashlib
import io
import json
import pathlib
import platform
import re
import subprocess
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
USER = 65532  # "nonroot" of the distroless images
LARGEST = 20_000_000  # bytes, unpacked
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
LOADER = {"x86_64": "lib64/ld-linux-x86-64.so.2", "aarch64": "lib/ld-linux-aarch64.so.1"}
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}

LAYOUT_TYPE = "application/vnd.oci.image.%s.v1"


def said_by_the_version(name):
    return re.search(rf'{name} = "(.*)"', (ROOT / "control/protocol/version.hpp").read_text())[1]


VERSION, DATE = said_by_the_version("kVersion"), said_by_the_version("kVersionDate")
TIME = int(datetime.datetime.fromisoformat(DATE).replace(tzinfo=datetime.timezone.utc).timestamp())


# --- the root

def libraries_of(*programs):
    """Where each name that a program loads stands on this machine, the loader included."""
    found = {}
    for program in programs:
        said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        if "not found" in said:
            raise SystemExit(f"image.py: {program} lacks a library:\n{said}")
        for name, path in re.findall(r"(\S+) => (/\S+)", said):
            found[name] = pathlib.Path(path)
    return found


class Layer:
    """A tar of a root, in the order of its paths and with one time."""

    def __init__(self):
        self.entries = {}  # path -> (TarInfo, bytes or None)

    def add(self, path, kind, mode, content=None, target="", owner=0):
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.linkname, info.mtime = kind, mode, target, TIME
        info.uid = info.gid = owner
        info.size = len(content) if content is not None else 0
        self.entries[path] = info, content

    def folder(self, path, mode=0o755, owner=0):
        self.add(path, tarfile.DIRTYPE, mode, owner=owner)

    def link(self, path, target):
        self.folders_of(path)
        self.add(path, tarfile.SYMTYPE, 0o777, target=target)

    def file(self, path, content, mode=0o644):
        self.folders_of(path)
        self.add(path, tarfile.REGTYPE, mode, content if isinstance(content, bytes) else content.encode())

    def folders_of(self, path):
        for parent in pathlib.PurePosixPath(path).parents:
            if str(parent) not in (".", *self.entries):
                self.folder(str(parent))

    def size(self):
        return sum(info.size for info, _ in self.entries.values())

    def tar(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for _, (info, content) in sorted(self.entries.items()):
                archive.addfile(info, io.BytesIO(content) if content is not None else None)
        return out.getvalue()


def stripped(program):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["strip", "--strip-all", "-o", out.name, program], check=True)
        return pathlib.Path(out.name).read_bytes()


def root_with(program):
    """The root: the program by both its names, the libraries it loads, a shell, and the few files of /etc that these read."""
    layer = Layer()
    for old, new in (("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")):
        layer.folder(new)
        layer.link(old, new)
    layer.file("usr/bin/sluiced", stripped(program), 0o755)
    layer.link("usr/bin/sluicectl", "sluiced")
    # Commands of gates and hooks, and the check of an upgrade, are run by sh.
    shell = pathlib.Path("/bin/dash")
    layer.file("usr/bin/sh", shell.read_bytes(), 0o755)
    for name, path in libraries_of(program, shell).items():
        layer.file("usr" + str(path.parent).removeprefix("/usr") + "/" + name, path.read_bytes(), 0o755)
    loader = LOADER[platform.machine()]
    layer.file(f"usr/{loader}", pathlib.Path(f"/{loader}").read_bytes(), 0o755)
    layer.file("etc/ssl/certs/ca-certificates.crt", CERTIFICATES.read_bytes())
    layer.link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")
    layer.file("etc/passwd", f"root:x:0:0:root:/:/usr/sbin/nologin\nsluice:x:{USER}:{USER}:Sluice:/var/lib/sluice:/usr/sbin/nologin\n")
    layer.file("etc/group", f"root:x:0:\nsluice:x:{USER}:\n")
    layer.file("etc/sluice/sluice.yaml", (ROOT / "cmake/image.yaml").read_bytes())
    for path, mode in (("run/sluice", 0o755), ("var/lib/sluice", 0o750)):  # a new volume is the user's as its folder here is
        layer.folders_of(path)
        layer.folder(path, mode, owner=USER)
    for path in ("dev", "proc", "sys", "tmp"):
        layer.folder(path, 0o1777 if path == "tmp" else 0o755)
    return layer


# --- the image

def configuration(layer_tar):
    created = f"{DATE}T00:00:00Z"
    label = "org.opencontainers.image."
    return {
        "architecture": ARCHITECTURE[platform.machine()],
        "os": "linux",
        "created": created,
        "config": {
            "User": f"{USER}:{USER}",
            "Env": ["PATH=/usr/bin"],
            "Entrypoint": ["/usr/bin/sluiced"],
            "ExposedPorts": {"8080/tcp": {}, "9900/tcp": {}},
            "Volumes": {"/var/lib/sluice": {}},
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Healthcheck": {"Test": ["CMD", "/usr/bin/sluicectl", "readyz"], "Interval": seconds(5), "Timeout": seconds(3),
                            "StartPeriod": seconds(10), "Retries": 3},
            "Labels": {
                label + "title": "sluice",
                label + "description": "Traffic-shifting HTTP reverse proxy",
                label + "version": VERSION,
                label + "created": created,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(layer_tar)]},
        "history": [{"created": created, "created_by": "./dev image"}],
    }


def seconds(number):
    return number * 1_000_000_000  # as Go counts


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def as_json(document):
    return json.dumps(document, indent=1, sort_keys=True).encode()


class Archive:
    """An OCI layout in a tar; each blob stands at its digest."""

    def __init__(self):
        self.tar = Layer()

    def blob(self, content, kind):
        self.tar.file(self.path(content), content)
        return {"mediaType": kind, "digest": digest(content), "size": len(content)}

    def path(self, content):
        return "blobs/" + digest(content).replace(":", "/")

    def write(self, layer_tar, path):
        config = as_json(configuration(layer_tar))
        manifest = as_json({
            "schemaVersion": 2, "mediaType": LAYOUT_TYPE % "manifest" + "+json",
            "config": self.blob(config, LAYOUT_TYPE % "config" + "+json"),
            "layers": [self.blob(layer_tar, LAYOUT_TYPE % "layer" + ".tar")],
        })
        tag = f"sluice:{VERSION}"
        described = self.blob(manifest, LAYOUT_TYPE % "manifest" + "+json")
        described["annotations"] = {"io.containerd.image.name": f"docker.io/library/{tag}", "org.opencontainers.image.ref.name": VERSION}
        self.tar.file("oci-layout", as_json({"imageLayoutVersion": "1.0.0"}))
        self.tar.file("index.json", as_json({"schemaVersion": 2, "mediaType": LAYOUT_TYPE % "index" + "+json", "manifests": [described]}))
        # What older readers go by.
        self.tar.file("manifest.json", as_json([{"Config": self.path(config), "RepoTags": [tag], "Layers": [self.path(layer_tar)]}]))
        path.write_bytes(self.tar.tar())
        return tag


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="the folder of sluice_image")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the folder for the archive")
    asked = parser.parse_args()
    layer = root_with(asked.bin / "sluice_image")
    if layer.size() > LARGEST:
        raise SystemExit(f"image.py: {layer.size()} bytes unpacked are more than the {LARGEST} that an image may have")
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / f"sluice_{VERSION}.tar"
    tag = Archive().write(layer.tar(), path)
    print(f"{path}: {tag}, {layer.size() / 1e6:.1f} MB unpacked")
    print(f"  docker load -i {path}")
    print(f"  docker run -d --name sluice --init -p 80:8080 {tag}")


if __name__ == "__main__":
    main()
