"""Metadata and entry points of brender; tool settings are in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    name="brender",
    version="3.0.0",
    description="A render farm you run from a prompt",
    python_requires=">=3.11",
    packages=find_packages(include=["brender", "brender.*"]),
    package_data={"brender": ["samples/*", "py.typed"]},
    install_requires=[
        "gevent>=25.9,<27",
        "peewee>=4.0,<5",
        "msgspec>=0.20,<1",
        "psutil>=6,<8",
        "PyYAML>=6,<7",
        "circus>=0.19,<0.20",
        "rich>=13,<16",
        'pysqlite3>=0.6.1,<0.7; platform_system == "Linux" and platform_machine == "x86_64"',
    ],
    extras_require={
        "blender": ["bpy>=4.2"],
        "openjd": ["openjd-model==0.14.*", "openjd-sessions==0.14.*", "PyYAML==6.0.*"],
        "apprise": ["apprise>=1.9,<3"],
        "pictures": ["OpenImageIO>=3.1,<4", "numpy>=2,<3", "imageio-ffmpeg>=0.5,<1"],
        "demo": ["OpenImageIO>=3.1,<4", "numpy>=2,<3", "imageio-ffmpeg>=0.5,<1"],
        "test": [
            "pytest>=8,<10",
            "pytest-timeout>=2.3,<3",
            "hypothesis>=6.100,<7",
            "ruff>=0.17,<0.18",
            "mypy>=2.0,<3",
            "types-PyYAML",
            "types-psutil",
            "aiosmtpd>=1.4.6,<2",
            "apprise>=1.9,<3",
            "cryptography>=43",
            "OpenImageIO>=3.1,<4",
            "numpy>=2,<3",
            "imageio-ffmpeg>=0.5,<1",
            "openjd-model==0.14.*",
            "openjd-sessions==0.14.*",
        ],
        "bench": ["huey>=3,<4", "hyperqueue>=0.27,<0.28"],
    },
    entry_points={
        "console_scripts": [
            "brender = brender.cli:main",
            "spa_ctl = brender.spad:main",
            "spa_conn = brender.spad:main",
            "spad_cp = brender.files:main",
            "MailLoggerServer = brender.mail_server:main",
        ]
    },
)
