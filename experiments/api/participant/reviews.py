"""What a participant does: find the next review, open it, read the case, answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from augmed.foundation.permissions import SignedIn
from experiments.actions import events, revealing, reviews
from experiments.api.base import PUBLIC_ID_PATTERN
from experiments.api.participant import serializers
from experiments.api.participant.listing import InReadingOrder, own_reviews_in_pages
from experiments.api.responses import json_text, with_json_text
from experiments.models import Questionnaire, Review
from experiments.reviewing.own_reviews import next_review
from experiments.reviewing.reading import asked_of, own_answers, refuse_unless_opened
from experiments.reviewing.review_state import own_review, refuse_unless_readable

TAG = ["participant"]


class ReviewsViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Review]):
    """One's own reviews. Somebody else's is not found."""

    permission_classes = [SignedIn]
    serializer_class = serializers.ReviewSerializer
    pagination_class = InReadingOrder
    queryset = Review.objects.none()
    lookup_field = lookup_url_kwarg = "public_id"
    lookup_value_regex = PUBLIC_ID_PATTERN

    def get_queryset(self) -> QuerySet[Review]:
        return own_reviews_in_pages(self.request.user)

    @extend_schema(tags=TAG, operation_id="reviews_list")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All one's reviews, in reading order."""
        return super().list(request, *args, **kwargs)

    @extend_schema(
        tags=TAG,
        operation_id="reviews_next",
        responses={
            200: serializers.ReviewSerializer,
            204: OpenApiResponse(description="Nothing is to be reviewed now."),
        },
    )
    def next(self, request: Request) -> Response:
        """The review to go on with."""
        found = next_review(request.user)
        return Response(status=status.HTTP_204_NO_CONTENT) if found is None else Response(found)

    @extend_schema(tags=TAG, operation_id="reviews_retrieve")
    def retrieve(self, request: Request, public_id: str) -> Response:
        """One review, as the list shows it."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        tags=TAG,
        operation_id="reviews_open",
        request=None,
        responses={200: serializers.OpenedReviewWithCaseSerializer},
    )
    def open(self, request: Request, public_id: str) -> HttpResponse:
        """Open a review. The first time binds for ever what is shown and asked; later times give the same again."""
        opened = reviews.open_review(public_id=public_id, by=request.user)
        return with_json_text(dict(serializers.OpenedReviewSerializer(opened).data), case=opened.served)

    @extend_schema(tags=TAG, operation_id="reviews_case", responses={200: OpenApiTypes.OBJECT})
    def case(self, request: Request, public_id: str) -> HttpResponse:
        """The case as it is disclosed to the reader, of a review that was opened. What is hidden until it is asked for
        has no entries and says `"hidden": true`."""
        return json_text(reviews.read_review(public_id=public_id, by=request.user).served)

    @extend_schema(
        tags=TAG,
        operation_id="reviews_questionnaire",
        responses={200: serializers.AskedQuestionnaireSerializer},
    )
    def questionnaire(self, request: Request, public_id: str) -> Response:
        """What an opened review asks."""
        state = own_review(public_id=public_id, by=request.user)
        refuse_unless_opened(state)
        refuse_unless_readable(state)
        name = Questionnaire.objects.filter(versions=state.version_id).values_list("name", flat=True).get()
        asked = {
            "version": state.version_public_id,
            "name": name,
            # The attention check is numbered among the others: nothing tells which one it is.
            "questions": [
                {"position": position, **asdict(question)}
                for position, question in enumerate(asked_of(state).definitions, start=1)
            ],
        }
        return Response(serializers.AskedQuestionnaireSerializer(asked).data)

    @extend_schema(
        tags=TAG,
        operation_id="reviews_events",
        request=serializers.EventsSerializer,
        responses={200: serializers.EventsRecordedSerializer},
    )
    def events(self, request: Request, public_id: str) -> Response:
        """Tell what was looked at and changed while reviewing."""
        payload = serializers.EventsSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        listed = [dict(event) for event in payload.validated_data["events"]]
        recorded = events.record_events(public_id=public_id, events=listed, by=request.user)
        return Response({"recorded": recorded})

    @extend_schema(
        tags=TAG,
        operation_id="reviews_reveal",
        request=serializers.RevealSerializer,
        responses={200: serializers.RevealedSerializer},
    )
    def reveal(self, request: Request, public_id: str) -> Response:
        """Ask for a feature that is hidden until it is asked for."""
        payload = serializers.RevealSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        feature = payload.validated_data["feature"]
        found = revealing.reveal_feature(public_id=public_id, feature=feature, by=request.user)
        return Response({"feature": found.feature, "repeated": found.repeated}, headers={"Cache-Control": "no-store"})

    @extend_schema(tags=TAG, operation_id="reviews_answers", responses={200: serializers.OwnAnswersSerializer})
    def answers(self, request: Request, public_id: str) -> Response:
        """What one has answered; empty before."""
        return Response({"answers": own_answers(public_id=public_id, by=request.user)})

    @extend_schema(
        tags=TAG,
        operation_id="reviews_answer",
        request=serializers.AnswersSerializer,
        responses={200: serializers.SubmittedSerializer},
    )
    def answer(self, request: Request, public_id: str) -> Response:
        """Answer a review, once. The same answers sent again give the same result; others are a conflict."""
        payload = serializers.AnswersSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        given = payload.validated_data
        result = reviews.submit(
            public_id=public_id,
            answers=given["answers"],
            questionnaire_version=given["questionnaire_version"],
            by=request.user,
            client_data=given.get("client_data"),
        )
        shown = {"submitted_at": result.submission.submitted_at, "repeated": result.repeated}
        return Response(serializers.SubmittedSerializer(shown).data)
