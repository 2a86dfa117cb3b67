"""Who is who: the tree of organisations, people, what each role may do, and who holds it where."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import translation
from django.utils.translation import gettext_lazy as _


class Organisation(models.Model):
    """A node of the tree. ``path`` holds the numbers of its ancestors and itself, ``/1/4/9/``."""

    class Kind(models.TextChoices):
        CITY = "city", _("市")
        COUNTY = "county", _("县区")
        PARK = "park", _("园区")
        DEPARTMENT = "department", _("部门")
        TOWNSHIP = "township", _("镇街")

    kind = models.CharField(max_length=12, choices=Kind.choices)
    name = models.CharField(max_length=120)
    short = models.CharField(max_length=60, default="", blank=True)
    english = models.CharField(max_length=160, default="", blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    path = models.CharField(max_length=120, db_index=True, default="", editable=False)
    division = models.CharField(max_length=12, default="", blank=True)
    order = models.IntegerField(default=0)

    class Meta:
        ordering = ("path",)
        constraints = (
            models.UniqueConstraint(fields=("parent", "kind", "name"), name="one_name_at_a_place"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """Its name in the reader's language."""
        english = (translation.get_language() or "").startswith("en")
        return self.english if english and self.english else self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps ``path``. A node does not move: a reorganisation is a new node."""
        super().save(*args, **kwargs)
        if not self.path:
            self.path = f"{self.parent.path if self.parent else '/'}{self.pk}/"
            type(self).objects.filter(pk=self.pk).update(path=self.path)

    @property
    def territory(self) -> Organisation:
        """The place whose enterprises it looks after: itself, or a department's city or county."""
        node = self
        while node.kind == self.Kind.DEPARTMENT and node.parent is not None:
            node = node.parent
        return node


class People(BaseUserManager["User"]):
    """Makes accounts."""

    def create_user(self, username: str, name: str, password: str | None = None, **fields: Any) -> User:
        person = self.model(username=self.model.normalize_username(username), name=name, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person


class User(AbstractBaseUser):
    """A person with an account: an official, or somebody who represents enterprises."""

    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=60)
    english = models.CharField(max_length=80, default="", blank=True)
    post = models.CharField(max_length=60, default="", blank=True)
    phone = models.CharField(max_length=30, default="", blank=True)
    email = models.EmailField(default="", blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = People()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        return self.name


class Role(models.Model):
    """What a holder may do: a list of rights such as ``intake.accept``. Roles are data, rights are code's."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    english = models.CharField(max_length=80)
    rights = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person holds a role at a place of the tree, and so for everything below it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="memberships")
    role = models.ForeignKey(Role, models.PROTECT, related_name="memberships")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "organisation", "role"), name="one_membership"),
        )


class Token(models.Model):
    """A key for programs, acting as its owner. Only its digest is kept; the key is shown once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def make_key() -> str:
        return f"mh_{secrets.token_urlsafe(32)}"

    @staticmethod
    def digest_of(key: str) -> str:
        return sha256(key.encode()).hexdigest()
