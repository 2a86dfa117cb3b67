"""The tables as they are, as much of them as a list shows, and who looks at it."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models


class Person(AbstractBaseUser):
    username = models.CharField(max_length=60, unique=True)
    USERNAME_FIELD = "username"

    class Meta:
        managed = False
        db_table = "people_user"


class Organisation(models.Model):
    name = models.CharField(max_length=120)

    class Meta:
        managed = False
        db_table = "people_organisation"


class Enterprise(models.Model):
    code = models.CharField(max_length=18)
    name = models.CharField(max_length=200)
    grade = models.CharField(max_length=20)
    scale = models.CharField(max_length=20)
    industry_group = models.CharField(max_length=60)
    state = models.CharField(max_length=20)
    county = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    township = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")

    class Meta:
        managed = False
        db_table = "registry_enterprise"
        ordering = ("code",)
